import Collab

/// What `tokenizer.json` says, or a GGUF file in other words.
struct TokenizerDescription {
    /// Tokens that are cut out whole.
    var addedTokens: [AddedToken] = []
    /// How text is rewritten.
    var normaliser: TextNormaliser?
    /// How text is cut.
    var splitter: TextSplitter?
    /// Whether the vocabulary is written in the ``ByteAlphabet``.
    var isByteLevel = false
    /// Tokens that stand before a text.
    var opening: [TokenID] = []
    /// Tokens that stand after it.
    var closing: [TokenID] = []
    /// How tokens become text.
    var decoder: TokenDecoder?
    /// The vocabulary.
    var model: WrittenModel
    /// What errors call the file.
    var source = "tokenizer.json"

    /// A vocabulary alone.
    init(_ model: WrittenModel) { self.model = model }

    /// Reads a file.
    ///
    /// Throws `malformedFile` with the place for what does not fit together, and `unsupported` for parts that are not
    /// known here, with a list of those that are.
    init(_ file: MappedFile) throws(CollabError) {
        var reader = try JSONReader(file.bytes, policy: .file, subject: file.path)
        var parts = JSONObject()
        var model: WrittenModel?
        try reader.beginObject()
        var isFirst = true
        while let key = try reader.nextKey(isFirst: isFirst) {
            isFirst = false
            switch key {
            case "model":
                guard model == nil else { throw reader.error("there are two models") }
                model = try WrittenModel(&reader)
            case "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder":
                guard parts[key] == nil else { throw reader.error("there are two of \(key)") }
                parts[key] = try reader.readValue()
            default: try reader.skipValue()
            }
        }
        try reader.finish()
        guard let model else { throw CollabError(.malformedFile, "\(file.path) has no model.") }
        self.model = model
        func part(_ key: String) -> TokenizerComponent? {
            parts[key].flatMap { $0.isNull ? nil : TokenizerComponent(json: $0, place: key) }
        }
        if part("added_tokens") != nil {
            let list = TokenizerComponent(json: .object(parts), place: "file")
            for token in try list.parts("added_tokens") { addedTokens.append(try AddedToken(token)) }
        }
        normaliser = try part("normalizer").map { (part) throws(CollabError) in try TextNormaliser(part) }
        if let part = part("pre_tokenizer") { (splitter, isByteLevel) = try TextSplitter.read(part) }
        if let part = part("post_processor") { try readFrame(part) }
        decoder = try part("decoder").map { (part) throws(CollabError) in try TokenDecoder(part) }
    }

    /// Reads a `post_processor`: the tokens around a single text.
    private mutating func readFrame(_ component: TokenizerComponent) throws(CollabError) {
        switch try component.type() {
        case "ByteLevel": break
        case "Sequence":
            for part in try component.parts("processors") { try readFrame(part) }
        case "BertProcessing", "RobertaProcessing":
            opening = [try token(component, "cls")]
            closing = [try token(component, "sep")]
        case "TemplateProcessing": try readTemplate(component)
        case let other:
            let known = [
                "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
            ]
            throw component.unknown(other, known: known)
        }
    }

    private func token(_ component: TokenizerComponent, _ key: String) throws(CollabError) -> TokenID {
        guard let id = component.json[key]?[1]?.intValue, let token = TokenID(exactly: id) else {
            throw component.malformed("has no pair \(key) of a name and an id")
        }
        return token
    }

    private mutating func readTemplate(_ component: TokenizerComponent) throws(CollabError) {
        (opening, closing) = ([], [])
        var texts = 0
        for part in try component.parts("single") {
            if part.json["Sequence"] != nil {
                texts += 1
                continue
            }
            guard let name = part.json["SpecialToken"]?["id"]?.stringValue else {
                throw part.malformed("is neither Sequence nor SpecialToken")
            }
            guard let ids = component.json["special_tokens"]?[name]?["ids"]?.arrayValue else {
                throw part.malformed("names “\(name.abbreviated)”, which is not among the special_tokens")
            }
            for id in ids {
                guard let id = id.intValue, let token = TokenID(exactly: id) else {
                    throw part.malformed("has an id that is no token")
                }
                if texts == 0 { opening.append(token) } else { closing.append(token) }
            }
        }
        guard texts == 1 else { throw component.malformed("has \(texts) places for a single text") }
        guard opening.count <= 1, closing.count <= 1 else {
            throw CollabError(
                .unsupported,
                "tokenizer.json: \(component.place) puts several tokens at one end."
            )
        }
    }
}

extension TextNormaliser {
    /// The kinds that can be read.
    static let kinds = [
        "BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Precompiled", "Prepend", "Replace",
        "Sequence",
        "Strip", "StripAccents",
    ]

    /// Reads a `normalizer`.
    init(_ component: TokenizerComponent) throws(CollabError) {
        switch try component.type() {
        case "Sequence":
            var normalisers: [TextNormaliser] = []
            for part in try component.parts("normalizers") { normalisers.append(try TextNormaliser(part)) }
            self = .sequence(normalisers)
        case "Lowercase": self = .lowercase
        case "StripAccents": self = .stripAccents
        case "Prepend": self = .prepend(Array(try component.text("prepend").utf8))
        case "Replace":
            self = .replace(try component.pattern(), with: Array(try component.text("content").utf8))
        case "Strip":
            self = .strip(
                left: try component.bool("strip_left", default: true),
                right: try component.bool("strip_right", default: true)
            )
        case "Precompiled":
            guard let bytes = [UInt8](base64: try component.text("precompiled_charsmap")) else {
                throw component.malformed("has a precompiled_charsmap that is not base 64")
            }
            self = .charsmap(try PrecompiledCharsmap(bytes))
        case "BertNormalizer":
            let lowercases = try component.bool("lowercase", default: true)
            self = .bert(
                BERTNormaliser(
                    cleansText: try component.bool("clean_text", default: true),
                    partsChinese: try component.bool("handle_chinese_chars", default: true),
                    stripsAccents: try component.bool("strip_accents", default: lowercases),
                    lowercases: lowercases
                )
            )
        case let name:
            guard let form = UnicodeForm(rawValue: name) else {
                throw component.unknown(name, known: Self.kinds)
            }
            self = .form(form)
        }
    }
}

extension TokenDecoder {
    /// The kinds that can be read.
    static let kinds = [
        "ByteFallback", "ByteLevel", "Fuse", "Metaspace", "Replace", "Sequence", "Strip", "WordPiece",
    ]

    /// Reads a `decoder`.
    init(_ component: TokenizerComponent) throws(CollabError) {
        switch try component.type() {
        case "Sequence":
            var decoders: [TokenDecoder] = []
            for part in try component.parts("decoders") { decoders.append(try TokenDecoder(part)) }
            self = .sequence(decoders)
        case "ByteLevel": self = .byteLevel
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Replace":
            self = .replace(try component.pattern(), with: Array(try component.text("content").utf8))
        case "Strip":
            let content = Array(try component.text("content").utf8)
            if content.isEmpty { throw component.malformed("has an empty content") }
            self = .strip(
                content,
                left: try component.count("start", default: 0),
                right: try component.count("stop", default: 0)
            )
        case "Metaspace": self = .metaspace(try TextSplitter.Metaspace(component))
        case "WordPiece":
            self = .wordPiece(
                prefix: Array((try component.optionalText("prefix") ?? "##").utf8),
                cleansUp: try component.bool("cleanup", default: true)
            )
        case let other: throw component.unknown(other, known: Self.kinds)
        }
    }
}
