import Collab

/// A tokenizer as `tokenizer.json` describes it: added tokens are cut out, the rest is normalised, cut into words, and
/// each word is looked up in the vocabulary.
struct PipelineTokenizer: ModelTokenizer {
    /// The vocabulary: what each token is found by. Byte tokens hold their one byte.
    let table: TokenTable
    let model: any WordModel
    let normaliser: TextNormaliser?
    let splitter: TextSplitter?
    let decoder: TokenDecoder?
    /// Whether tokens hold bytes of text as they are.
    let isByteLevel: Bool
    /// Added tokens that are looked for in the text as it is.
    let writtenFinder: AddedTokenFinder
    /// Added tokens that are looked for in the normalised text.
    let normalisedFinder: AddedTokenFinder
    /// Added tokens by the names that the file gives them.
    let names: [UTF8Key: TokenID]
    let markers: SequenceMarkers
    let endTokens: Set<TokenID>
    let fingerprint: VocabularyFingerprint

    var count: Int { table.count }

    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        encode(text, parsingSpecialTokens, continues: false)
    }

    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        encode(text, parsingSpecialTokens, continues: true)
    }

    private func encode(_ text: String, _ parsingSpecialTokens: Bool, continues: Bool) -> [TokenID] {
        var text = text
        var pieces = text.withUTF8 {
            self.pieces(of: $0, includingSpecial: parsingSpecialTokens, continues: continues)
        }
        splitter?.apply(to: &pieces)
        return tokens(of: pieces)
    }

    private func pieces(
        of text: UnsafeBufferPointer<UInt8>,
        includingSpecial: Bool,
        continues: Bool
    ) -> TextPieces {
        var output = TextPieces(continuesText: continues)
        output.bytes.reserveCapacity(text.count + text.count / 8)
        writtenFinder.split(text, includingSpecial: includingSpecial) { range, token in
            if token >= 0 { return output.pieces.append(.init(range: 0..<0, token: token)) }
            let section = UnsafeBufferPointer(rebasing: text[range])
            if let normaliser {
                var normalised = Array(section)
                normaliser.apply(to: &normalised, isContinuation: continues && range.lowerBound == 0)
                normalised.withUnsafeBufferPointer {
                    add($0, opensText: range.lowerBound == 0, includingSpecial, to: &output)
                }
            } else {
                add(section, opensText: range.lowerBound == 0, includingSpecial, to: &output)
            }
        }
        return output
    }

    private func add(
        _ section: UnsafeBufferPointer<UInt8>,
        opensText: Bool,
        _ includingSpecial: Bool,
        to output: inout TextPieces
    ) {
        normalisedFinder.split(section, includingSpecial: includingSpecial) { range, token in
            if token >= 0 { return output.pieces.append(.init(range: 0..<0, token: token)) }
            let start = output.bytes.count
            output.bytes.append(contentsOf: section[range])
            output.pieces.append(
                .init(range: start..<output.bytes.count, opensText: opensText && range.lowerBound == 0)
            )
        }
    }

    private func tokens(of pieces: TextPieces) -> [TokenID] {
        var output: [TokenID] = []
        output.reserveCapacity(pieces.bytes.count / 3 + 8)
        var cache = WordCache(textBytes: pieces.bytes.count)
        var scratch = WordScratch()
        pieces.bytes.withUnsafeBufferPointer { text in
            for piece in pieces.pieces {
                if piece.token >= 0 {
                    output.append(piece.token)
                    continue
                }
                var start = piece.range.lowerBound
                while start < piece.range.upperBound {
                    let end = model.endOfPart(from: start, to: piece.range.upperBound, text)
                    cache.append(start..<end, of: text, to: &output) { output in
                        model.append(start..<end, of: text, &scratch, to: &output)
                    }
                    start = end
                }
            }
        }
        return output
    }

    func decode(_ tokens: some Sequence<TokenID>) -> String {
        if isByteLevel {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(tokens.underestimatedCount * 4)
            for token in tokens where token >= 0 && token < count && !table.kinds[Int(token)].isControl {
                bytes.append(contentsOf: table.strings[Int(token)])
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        var parts: [TokenDecoder.Part] = []
        for token in tokens where token >= 0 && token < count && !table.kinds[Int(token)].isControl {
            let id = Int(token)
            parts.append(.init(bytes: Array(table.strings[id]), isByte: table.kinds[id] == .byte))
        }
        guard let decoder else {
            return parts.map { String(decoding: $0.bytes, as: UTF8.self) }.joined(separator: " ")
        }
        decoder.apply(to: &parts)
        return String(decoding: parts.flatMap(\.bytes), as: UTF8.self)
    }

    func bytes(of token: TokenID) -> [UInt8] {
        let bytes = table.textBytes(of: token)
        if bytes.isEmpty || isByteLevel { return bytes }
        return Self.text(bytes, kind: table.kinds[Int(token)], decoder)
    }

    /// What a token stands for in the middle of a text.
    static func text(_ bytes: [UInt8], kind: TokenKind, _ decoder: TokenDecoder?) -> [UInt8] {
        guard let decoder, kind != .byte, kind != .control, kind != .unknown else { return bytes }
        if let prefix = decoder.continuation {
            let goesOn = !prefix.isEmpty && bytes.starts(with: prefix)
            return goesOn ? Array(bytes.dropFirst(prefix.count)) : [UInt8(ascii: " ")] + bytes
        }
        guard let mark = decoder.spaceMark else { return bytes }
        var text = bytes
        TextNormaliser.replace(.literal(mark), with: [UInt8(ascii: " ")]).apply(to: &text)
        return text
    }

    func isControl(_ token: TokenID) -> Bool {
        token >= 0 && token < count && table.kinds[Int(token)].isControl
    }

    func specialToken(named name: String) -> TokenID? {
        names[UTF8Key(name)]
    }

    func spelling(of token: TokenID) -> [UInt8] {
        isControl(token) ? Array(table.strings[Int(token)]) : bytes(of: token)
    }
}
