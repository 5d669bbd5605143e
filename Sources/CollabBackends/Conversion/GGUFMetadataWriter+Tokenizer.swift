import Collab

extension GGUFMetadataWriter {
    /// Takes over a model's tokenizer.
    ///
    /// - Parameter vocabularySize: how many tokens the weights have rows for; ids beyond the tokenizer become unused.
    mutating func setTokenizer(of model: any Checkpoint, vocabularySize: Int) throws(CollabError) {
        switch model.specification {
        case let specification as GGUFSpecification:
            if contains("tokenizer.ggml.tokens") {
                for key in keys where key.hasPrefix("tokenizer.") { remove(key) }
            }
            try copy(from: specification.file) { $0.hasPrefix("tokenizer.") }
        case let specification as HuggingFaceSpecification:
            guard let folder = specification.folder, folder.contains("tokenizer.json") else {
                throw CollabError(
                    .unsupported,
                    "\(model.name) has no tokenizer.json, without which a GGUF file is no model."
                )
            }
            try setTokenizer(in: folder, vocabularySize: vocabularySize)
        default:
            throw CollabError(.unsupported, "\(model.name) has no tokenizer that could be written to a file.")
        }
    }

    private mutating func setTokenizer(in folder: ModelFolder, vocabularySize: Int) throws(CollabError) {
        let description = try TokenizerDescription(try folder.map("tokenizer.json"))
        let tokenizer = try folder.makeTokenizer(count: vocabularySize)
        guard description.isByteLevel, try description.model.type() == "BPE",
            let pieces = description.splitter?.ggufName
        else {
            throw CollabError(
                .unsupported,
                "The tokenizer of \(folder.path) is not one of the byte-level ones that are written to GGUF (GPT-2, SmolLM, "
                    + "Llama 3, Qwen 2); name a GGUF file of the same tokenizer in its place."
            )
        }
        let count = max(vocabularySize, tokenizer.count)
        var tokens = (0..<count).map { Array("[PAD\($0)]".utf8) }
        var kinds = [Int32](repeating: Int32(TokenKind.unused.rawValue), count: count)
        for (index, id) in description.model.ids.enumerated() {
            tokens[Int(id)] = Array(description.model.tokens[index])
            kinds[Int(id)] = Int32(TokenKind.normal.rawValue)
        }
        for token in description.addedTokens where tokens.indices.contains(Int(token.id)) {
            tokens[Int(token.id)] = Array(token.content.utf8)
            let kind: TokenKind = token.isSpecial ? .control : .userDefined
            kinds[Int(token.id)] = Int32(kind.rawValue)
        }
        let merges = description.model.merges
        set("tokenizer.ggml.model", .string("gpt2"))
        set("tokenizer.ggml.pre", .string(pieces))
        set("tokenizer.ggml.tokens", .texts(tokens))
        set("tokenizer.ggml.token_type", .int32s(kinds))
        set(
            "tokenizer.ggml.merges",
            .texts((0..<merges.left.count).map { merges.left[$0] + [UInt8(ascii: " ")] + merges.right[$0] })
        )
        let markers = tokenizer.markers
        for (name, token) in [
            ("bos", markers.begin), ("eos", markers.end), ("unknown", markers.unknown),
            ("padding", markers.padding),
        ] {
            if let token { set("tokenizer.ggml.\(name)_token_id", .uint32(UInt32(clamping: token))) }
        }
        set("tokenizer.ggml.add_bos_token", .bool(markers.addsBegin))
        set("tokenizer.ggml.add_eos_token", .bool(markers.addsEnd))
        if let template = try folder.chatTemplate() { set("tokenizer.chat_template", .string(template)) }
    }
}

extension TextSplitter {
    /// What GGUF calls the way of cutting text; `nil` for one that it has no name for here.
    fileprivate var ggufName: String? {
        var (words, digitsApart): (PreTokenizer?, Bool) = (nil, false)
        for step in steps {
            switch step {
            case .split(.words(let found), _, false) where words == nil: words = found
            case .split(.characters(let set), .isolated, false)
            where words == nil && set.contains("7") && !set.contains("a") && !set.contains(" "):
                digitsApart = true
            default: return nil
            }
        }
        return switch (words, digitsApart) {
        case (.gpt2?, false): "gpt-2"
        case (.gpt2?, true): "smollm"
        case (.llama3?, false): "llama-bpe"
        case (.qwen2?, false): "qwen2"
        default: nil
        }
    }

    private var steps: [TextSplitter] {
        if case .sequence(let splitters) = self { splitters.flatMap(\.steps) } else { [self] }
    }
}
