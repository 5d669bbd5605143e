public import Collab

extension ModelFolder {
    /// Makes the tokenizer that `tokenizer.json` describes, as Hugging Face's `tokenizers` would.
    ///
    /// Read are byte-pair, Unigram and WordPiece models with the normalisers, pre-tokenisers, added tokens, templates and
    /// decoders that released models use. Which tokens begin and end a text is taken from the file's template, else from
    /// `tokenizer_config.json`; those that end an answer also from `generation_config.json` and `config.json`.
    ///
    /// - Parameter count: how many ids the model has; ids beyond the vocabulary, which some models have rows for,
    ///   become unused tokens.
    ///
    /// Throws `fileNotFound` if there is no `tokenizer.json`, `malformedFile` with the place where a file is damaged, and
    /// `unsupported` for a part that is not known here, with a list of those that are.
    public func makeTokenizer(count: Int? = nil) throws(CollabError) -> any ModelTokenizer {
        let description = try TokenizerDescription(try map("tokenizer.json"))
        let configuration = try json("tokenizer_config.json")
        let vocabulary = configuration.map { TokenizerComponent(json: $0, place: "tokenizer_config.json") }
        let names = ["bos_token", "eos_token", "pad_token"].map { name -> String? in
            let value = vocabulary?.json[name]
            return value?.stringValue ?? value?["content"]?.stringValue
        }
        var ends: Set<TokenID> = []
        for file in ["generation_config.json", "config.json"] {
            guard let json = try json(file), let end = json["eos_token_id"] else { continue }
            let ids = end.arrayValue ?? [end]
            ends.formUnion(ids.compactMap(\.intValue).compactMap { TokenID(exactly: $0) })
            if !ends.isEmpty { break }
        }
        return try PipelineTokenizer(
            description,
            named: { description in
                func id(_ name: String?) -> TokenID? {
                    description.addedTokens.first { $0.content == name }?.id
                }
                return SequenceMarkers(
                    begin: description.opening.last ?? id(names[0]),
                    end: description.closing.first ?? id(names[1]),
                    padding: id(names[2]),
                    addsBegin: !description.opening.isEmpty,
                    addsEnd: !description.closing.isEmpty
                )
            },
            moreEndTokens: ends,
            paddedCount: count
        )
    }

    /// A small JSON file of the folder, if it is there.
    private func json(_ name: String) throws(CollabError) -> JSONValue? {
        contains(name) ? try JSONValue(parsing: try map(name)) : nil
    }
}
