import Collab

// Vocabularies of encoders, whose words are not put together by merging.
extension GGUFMetadata {
    private static let mark = Array("▁".utf8)

    /// The tokenizer of an encoder of the BERT family.
    ///
    /// Converters put `▁` before tokens that begin a word and take `##` away from those that go on with one; here they are
    /// spelt as published vocabularies spell them. Where a file does not say whether letters lose their case, as most do
    /// not, a vocabulary with capitals keeps it.
    ///
    /// Throws `malformedFile` for a vocabulary without a token for unknown words or without a frame, and for ids that no
    /// token has.
    func makeWordPieces(_ vocabulary: WrittenVocabulary) throws(CollabError) -> PipelineTokenizer {
        var model = WrittenModel()
        var added: [AddedToken] = []
        var named = try framing(vocabulary)
        // Encoders of this kind have no text without a frame, whatever a file says of other models' tokens.
        (named.addsBegin, named.addsEnd) = (true, true)
        var hasCapitals = false
        for (id, kind) in vocabulary.kinds.enumerated() {
            let stored = Array(vocabulary.tokens[id])
            let spelling = Self.wordPiece(stored, kind)
            model.tokens.append(spelling)
            model.ids.append(TokenID(id))
            let text = String(decoding: spelling, as: UTF8.self)
            switch text {
            case "[CLS]": named.begin = named.begin ?? TokenID(id)
            case "[SEP]": named.end = named.end ?? TokenID(id)
            case "[UNK]": named.unknown = named.unknown ?? TokenID(id)
            case "[PAD]": named.padding = named.padding ?? TokenID(id)
            default: break
            }
            let isFrame = [named.begin, named.end, named.unknown, named.padding].contains(TokenID(id))
            if kind.isControl || kind == .userDefined || isFrame {
                added.append(AddedToken(TokenID(id), text, isSpecial: kind != .userDefined))
            } else if !Self.isBracketed(spelling) {
                hasCapitals = hasCapitals || spelling.contains { (0x41...0x5A).contains($0) }
            }
        }
        guard let unknown = named.unknown, vocabulary.tokens.range(of: Int(unknown)).count > 0 else {
            throw missing("tokenizer.ggml.unknown_token_id")
        }
        guard named.begin != nil else { throw missing("tokenizer.ggml.cls_token_id") }
        guard named.end != nil else { throw missing("tokenizer.ggml.seperator_token_id") }
        let lowercases = try bool("tokenizer.ggml.normalizer.lowercase") ?? !hasCapitals
        var description = TokenizerDescription(model)
        description.addedTokens = added.filter { !$0.content.isEmpty }
        description.model.options["type"] = "WordPiece"
        description.model.options["unk_token"] = .string(
            String(decoding: model.tokens[Int(unknown)], as: UTF8.self)
        )
        description.normaliser = .bert(
            BERTNormaliser(
                cleansText: true,
                partsChinese: true,
                stripsAccents: try bool("tokenizer.ggml.normalizer.strip_accents") ?? lowercases,
                lowercases: lowercases
            )
        )
        description.splitter = .words
        description.decoder = .wordPiece(prefix: Array("##".utf8), cleansUp: true)
        return try tokenizer(description, vocabulary, named)
    }

    /// The tokenizer of SentencePiece's Unigram models: those of T5 and XLM-R.
    ///
    /// Throws `malformedFile` where tokens have no scores or the table of replacements is damaged, and `unsupported` for a
    /// vocabulary that marks the ends of words.
    func makeUnigram(_ vocabulary: WrittenVocabulary) throws(CollabError) -> PipelineTokenizer {
        guard vocabulary.scores.count == vocabulary.tokens.count else {
            throw missing("tokenizer.ggml.scores")
        }
        if let place = vocabulary.scores.firstIndex(where: { !$0.isFinite }) {
            throw CollabError(
                .malformedFile,
                "The score of token \(place) is \(vocabulary.scores[place]); the file is damaged."
            )
        }
        for (key, value) in [("treat_whitespace_as_suffix", false), ("escape_whitespaces", true)] {
            guard try bool("tokenizer.ggml.\(key)") ?? value == value else {
                throw CollabError(
                    .unsupported,
                    "The file's tokenizer has the setting “\(key)” \(value ? "off" : "on"), which is not known here."
                )
            }
        }
        var model = WrittenModel()
        var added: [AddedToken] = []
        var hasInnerMarks = false
        // Converters fill the end up with tokens that no text has.
        let count = (vocabulary.kinds.lastIndex { $0 != .unused } ?? -1) + 1
        guard count > 0 else {
            throw CollabError(.malformedFile, "The file's tokenizer has no tokens that are used.")
        }
        let least = zip(vocabulary.kinds, vocabulary.scores).filter { $0.0 == .normal }.map(\.1).min() ?? 0
        for (id, kind) in vocabulary.kinds.prefix(count).enumerated() {
            let spelling = vocabulary.tokens[id]
            model.tokens.append(spelling)
            model.ids.append(TokenID(id))
            // Only what text is made of says how unlikely an unknown character is.
            model.scores.append(Double(max(vocabulary.scores[id], least)))
            if kind.isControl || kind == .userDefined {
                let text = String(decoding: spelling, as: UTF8.self)
                added.append(AddedToken(TokenID(id), text, isSpecial: kind.isControl))
            } else if kind == .normal, spelling.count > 3 {
                hasInnerMarks = hasInnerMarks || spelling.dropFirst().contains(mark: Self.mark)
            }
        }
        var named = try framing(vocabulary)
        named.unknown = named.unknown ?? vocabulary.kinds.firstIndex(of: .unknown).map { TokenID($0) }
        var description = TokenizerDescription(model)
        description.addedTokens = added.filter { !$0.content.isEmpty }
        description.model.options["type"] = "Unigram"
        description.model.options["byte_fallback"] = .bool(vocabulary.kinds.contains(.byte))
        if let unknown = named.unknown, Int(unknown) < count {
            description.model.options["unk_id"] = .integer(Int64(unknown))
        }
        var steps: [TextNormaliser] = []
        if let map = try array("tokenizer.ggml.precompiled_charsmap") {
            guard let bytes = map.bytes else {
                throw CollabError(.malformedFile, "The tokenizer's precompiled_charsmap is no list of bytes.")
            }
            steps.append(.charsmap(try PrecompiledCharsmap(bytes)))
        }
        let metaspace = TextSplitter.Metaspace(
            mark: Self.mark,
            prefix: try bool("tokenizer.ggml.add_space_prefix") ?? true ? .always : .never,
            cuts: !hasInnerMarks
        )
        description.splitter = .metaspace(metaspace)
        if try bool("tokenizer.ggml.remove_extra_whitespaces") ?? true {
            if metaspace.cuts, metaspace.prefix == .always {
                // As the published files of T5 and XLM-R have it.
                let words = TextSplitter.split(.characters(.whitespace), .removed, inverted: false)
                description.splitter = .sequence([words, .metaspace(metaspace)])
            } else {
                let space = Array(" ".utf8)
                steps.append(.strip(left: true, right: true))
                steps.append(.replace(.runs(.spaces, atLeast: 2, atMost: .max), with: space))
            }
        }
        description.normaliser = .sequence(steps)
        description.decoder = .sequence([.byteFallback, .metaspace(metaspace)])
        return try tokenizer(description, vocabulary, named)
    }

    private func tokenizer(
        _ description: TokenizerDescription,
        _ vocabulary: WrittenVocabulary,
        _ markers: SequenceMarkers
    ) throws(CollabError) -> PipelineTokenizer {
        var description = description
        description.source = "The file's tokenizer"
        return try PipelineTokenizer(
            description,
            named: { _ in markers },
            moreEndTokens: vocabulary.moreEndTokens,
            paddedCount: vocabulary.tokens.count
        )
    }

    /// The tokens around a text; encoders' come before those that begin and end the sequences of other models.
    private func framing(_ vocabulary: WrittenVocabulary) throws(CollabError) -> SequenceMarkers {
        var markers = vocabulary.markers
        markers.begin = try tokenID("cls") ?? markers.begin
        // The key is misspelt in the format.
        markers.end = try tokenID("seperator") ?? markers.end
        for token in [markers.begin, markers.end, markers.unknown, markers.padding].compactMap(\.self) {
            guard vocabulary.kinds.indices.contains(Int(token)) else {
                throw CollabError(
                    .malformedFile,
                    "The file's tokenizer names the token \(token) as one of its frame, for unknown words or for padding, "
                        + "but has \(vocabulary.kinds.count) tokens."
                )
            }
        }
        markers.addsEnd = try bool("tokenizer.ggml.add_eos_token") ?? true
        return markers
    }

    /// A token as published vocabularies spell it.
    private static func wordPiece(_ stored: [UInt8], _ kind: TokenKind) -> [UInt8] {
        if kind.isControl { return stored }
        if stored.starts(with: mark) { return Array(stored.dropFirst(mark.count)) }
        // Earlier converters knew special tokens by their brackets.
        if kind != .normal || isBracketed(stored) { return stored }
        return Array("##".utf8) + stored
    }

    private static func isBracketed(_ token: [UInt8]) -> Bool {
        token.count > 2 && token.first == UInt8(ascii: "[") && token.last == UInt8(ascii: "]")
    }
}

extension AddedToken {
    /// A token that a vocabulary names itself.
    fileprivate init(_ id: TokenID, _ content: String, isSpecial: Bool) {
        self.init(
            id: id,
            content: content,
            isSpecial: isSpecial,
            isSingleWord: false,
            stripsLeft: false,
            stripsRight: false,
            isNormalised: false
        )
    }
}

extension ArraySlice<UInt8> {
    fileprivate func contains(mark: [UInt8]) -> Bool {
        indices.contains { self[$0...].starts(with: mark) }
    }
}
