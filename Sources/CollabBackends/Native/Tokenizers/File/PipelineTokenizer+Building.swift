import Collab

extension PipelineTokenizer {
    /// How many ids may belong to no token.
    private static let mostGaps = 1 << 16

    /// Puts the parts together.
    ///
    /// - Parameters:
    ///   - markers: the tokens that other files name; the description's own come first.
    ///   - moreEndTokens: tokens at which an answer ends, beyond the marked end.
    ///   - paddedCount: how many ids the model has, if more than the vocabulary; the rest are unused tokens.
    init(
        _ description: TokenizerDescription,
        named markers: (TokenizerDescription) -> SequenceMarkers,
        moreEndTokens: Set<TokenID>,
        paddedCount: Int?
    ) throws(CollabError) {
        let written = description.model
        let names = ByteIndex(written.tokens) { _ in true }
        func number(_ name: ArraySlice<UInt8>) -> Int? {
            let found = name.withUnsafeBytes { bytes in
                bytes.baseAddress.map { names.find($0, count: bytes.count, in: written.tokens) } ?? -1
            }
            return found < 0 ? nil : Int(found)
        }
        for index in 0..<written.tokens.count where number(written.tokens[index]) ?? index != index {
            let name = String(decoding: written.tokens[index], as: UTF8.self).abbreviated
            throw CollabError(
                .malformedFile,
                "\(description.source): the vocabulary has the token “\(name)” twice."
            )
        }
        var added = description.addedTokens
        for index in added.indices {
            // The vocabulary knows better than the list.
            if let number = number(Array(added[index].content.utf8)[...]) {
                added[index].id = written.ids[number]
            }
        }
        let type = try written.type()
        let options = TokenizerComponent(json: .object(written.options), place: "model")
        let fallsBackToBytes = try options.bool("byte_fallback", default: false)
        var vocabulary = try Self.vocabulary(
            written,
            added: added,
            normaliser: description.normaliser,
            fallsBackToBytes: fallsBackToBytes,
            isByteLevel: description.isByteLevel,
            paddedCount: paddedCount,
            source: description.source
        )
        vocabulary.markers = markers(description)
        vocabulary.moreEndTokens = moreEndTokens
        let unknown = try Self.unknownToken(written, options, number)
        if let unknown {
            if vocabulary.kinds[Int(unknown)] == .normal { vocabulary.kinds[Int(unknown)] = .unknown }
            vocabulary.markers.unknown = unknown
        }
        endTokens = try vocabulary.settleEndTokens()
        for index in added.indices where vocabulary.kinds[Int(added[index].id)] == .control {
            added[index].isSpecial = true
        }
        // Added tokens that the model does not list are found by the search for added tokens alone.
        var isWritten = [Bool](repeating: false, count: vocabulary.kinds.count)
        for id in written.ids { isWritten[Int(id)] = true }
        let table = try TokenTable(
            strings: vocabulary.tokens,
            kinds: vocabulary.kinds,
            byteTokensAreText: description.isByteLevel,
            isFound: { isWritten[$0] }
        )
        switch type {
        case "BPE":
            model = try BytePairModel(
                written,
                options,
                table,
                isByteLevel: description.isByteLevel,
                unknown: unknown,
                number: number
            )
        case "Unigram": model = try UnigramModel(written, table, unknown: unknown)
        default: model = try WordPieceModel(written, options, table, unknown: unknown)
        }
        self.table = table
        normaliser = description.normaliser
        splitter = description.splitter
        decoder = description.decoder
        isByteLevel = description.isByteLevel
        self.markers = vocabulary.markers
        writtenFinder = AddedTokenFinder(added.filter { !$0.isNormalised }) { Array($0.content.utf8) }
        let normaliser = description.normaliser
        normalisedFinder = AddedTokenFinder(added.filter(\.isNormalised)) { token in
            var content = Array(token.content.utf8)
            normaliser?.apply(to: &content)
            return content
        }
        self.names = Dictionary(added.map { (UTF8Key($0.content), $0.id) }) { first, _ in first }
        let decoder = description.decoder
        if isByteLevel {
            fingerprint = table.makeFingerprint()
        } else {
            var texts = ByteStrings()
            for (id, kind) in table.kinds.enumerated() {
                texts.append(Self.text(Array(table.strings[id]), kind: kind, decoder))
            }
            fingerprint = TokenTable.makeFingerprint(texts, table.kinds)
        }
    }

    /// The tokens by their ids, with what each is.
    private static func vocabulary(
        _ written: WrittenModel,
        added: [AddedToken],
        normaliser: TextNormaliser?,
        fallsBackToBytes: Bool,
        isByteLevel: Bool,
        paddedCount: Int?,
        source: String
    ) throws(CollabError) -> WrittenVocabulary {
        let highest = max(written.ids.max() ?? -1, added.map(\.id).max() ?? -1)
        let known = Int(highest) + 1
        guard known <= written.ids.count + added.count + mostGaps else {
            throw CollabError(
                .malformedFile,
                "\(source): a token has the id \(highest), but there are only \(written.ids.count + added.count)."
            )
        }
        let count = max(known, paddedCount ?? 0)
        guard count <= known + 2 * mostGaps else {
            throw CollabError(.invalidRequest, "A vocabulary of \(known) tokens cannot be one of \(count).")
        }
        // 0 for no token, n for the token n − 1 of the model, −n for the added token n − 1.
        var owner = [Int32](repeating: 0, count: count)
        for (index, id) in written.ids.enumerated() {
            guard owner[Int(id)] == 0 else { throw twice(id, source) }
            owner[Int(id)] = Int32(index + 1)
        }
        var kinds = [TokenKind](repeating: .normal, count: count)
        for (index, token) in added.enumerated() {
            let id = Int(token.id)
            if owner[id] == 0 {
                owner[id] = -Int32(index + 1)
            } else if !written.tokens.isEqual(Int(owner[id]) - 1, token.content) {
                throw twice(token.id, source)
            }
            if kinds[id] != .control { kinds[id] = token.isSpecial ? .control : .userDefined }
        }
        var vocabulary = WrittenVocabulary()
        for (id, owner) in owner.enumerated() {
            if owner == 0 {
                kinds[id] = .unused
                vocabulary.tokens.append(id < known ? "".utf8 : "[PAD\(id)]".utf8)
                continue
            }
            if owner < 0 {
                // Tokens that are found in normalised text stand for such text.
                var content = Array(added[Int(-owner) - 1].content.utf8)
                if kinds[id] != .control, added[Int(-owner) - 1].isNormalised {
                    normaliser?.apply(to: &content)
                }
                vocabulary.tokens.append(content)
                continue
            }
            let spelling = written.tokens[Int(owner) - 1]
            if kinds[id] == .normal, isByteLevel {
                vocabulary.tokens.append(ByteAlphabet.decoded(Array(spelling)))
            } else if kinds[id] == .normal, fallsBackToBytes, let byte = byte(spelling) {
                kinds[id] = .byte
                vocabulary.tokens.append(CollectionOfOne(byte))
            } else {
                vocabulary.tokens.append(spelling)
            }
        }
        vocabulary.kinds = kinds
        return vocabulary
    }

    private static func twice(_ id: TokenID, _ source: String) -> CollabError {
        CollabError(.malformedFile, "\(source): two tokens have the id \(id).")
    }

    /// The byte that `<0x0A>` names.
    private static func byte(_ written: ArraySlice<UInt8>) -> UInt8? {
        guard written.count == 6, written.starts(with: "<0x".utf8), written.last == UInt8(ascii: ">") else {
            return nil
        }
        return UInt8(String(decoding: written.dropFirst(3).dropLast(), as: UTF8.self), radix: 16)
    }

    private static func unknownToken(
        _ written: WrittenModel,
        _ options: TokenizerComponent,
        _ number: (ArraySlice<UInt8>) -> Int?
    ) throws(CollabError) -> TokenID? {
        if let id = options.json["unk_id"], !id.isNull {
            guard let index = id.intValue, written.ids.indices.contains(index) else {
                throw options.malformed("has an unk_id that is no token")
            }
            return TokenID(index)
        }
        guard let name = try options.optionalText("unk_token") else { return nil }
        return number(Array(name.utf8)[...]).map { written.ids[$0] }
    }
}

extension ByteStrings {
    /// Whether a string is this text, byte for byte.
    fileprivate func isEqual(_ index: Int, _ text: String) -> Bool {
        self[index].elementsEqual(text.utf8)
    }
}
