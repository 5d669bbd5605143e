import Collab
import CollabBackends

/// The vocabulary of a merge whose models have different ones, and where each model gets the embeddings it lacks.
///
/// The numbers are those of the vocabulary that the result is based on; what a union adds is numbered in the order of
/// the configuration's models, first plain tokens and then added ones, so that they are the same in every run.
struct MergedVocabulary: Sendable {
    /// Where a model's embedding of a token comes from.
    enum Source: Hashable, Sendable {
        /// A row of a model's matrix.
        case row(model: Int, row: Int)
        /// The mean of rows of several models.
        case mean([Row])
        /// The mean of the model's rows that have a token.
        case ownMean
        case zero
    }

    struct Row: Hashable, Sendable {
        var model: Int
        var row: Int
    }

    /// The tokens by number; numbers without a token are empty.
    let tokens: [String]
    /// How many rows embeddings have: the tokens, rounded up to the multiple that was asked for.
    let rowCount: Int
    /// What the result's `tokenizer.json` says.
    let file: JSONValue
    /// Whose tokenizer it is based on: its other files are taken over.
    let donor: Int
    private let vocabularies: [ModelVocabulary]
    private let overrides: [String: TokenizerSetting.Token]
    private let base: Int
    private let references: [ModelReference]

    /// - Parameters:
    ///   - setting: what the configuration says.
    ///   - references: the models.
    ///   - vocabularies: theirs.
    ///   - base: the place of the base, or of the first model.
    init(
        _ setting: TokenizerSetting,
        _ references: [ModelReference],
        _ vocabularies: [ModelVocabulary],
        base: Int
    ) throws(CollabError) {
        var donor = base
        if case .model(let reference) = setting.vocabulary {
            guard let place = references.firstIndex(of: reference) else {
                throw CollabError(
                    .invalidRequest,
                    "The tokenizer's source \(reference) is none of the merge's models."
                )
            }
            donor = place
        }
        let start = vocabularies[donor]
        var tokens: [String] = []
        for (text, number) in start.identifiers.sorted(by: { $0.value < $1.value }) {
            guard number < 1 << 24 else {
                throw CollabError(.malformedFile, "\(start.model) has a token of the number \(number).")
            }
            while tokens.count < number { tokens.append("") }
            if tokens.count == number { tokens.append(text) }
        }
        var known = Set(start.identifiers.keys)
        var additions: [JSONObject] = []
        func add(_ text: String, _ entry: JSONObject?) {
            guard known.insert(text).inserted else { return }
            var entry = entry ?? Self.plainEntry
            entry["id"] = JSONValue(tokens.count)
            entry["content"] = JSONValue(text)
            additions.append(entry)
            tokens.append(text)
        }
        if setting.vocabulary == .union {
            let order = [base] + vocabularies.indices.filter { $0 != base }
            for place in order { for token in vocabularies[place].plain { add(token.text, nil) } }
            for place in order { for token in vocabularies[place].added { add(token.text, token.entry) } }
        }
        for text in setting.tokens.keys.sorted() { add(text, nil) }
        self.tokens = tokens
        let multiple = setting.multiple ?? 1
        rowCount = (tokens.count + multiple - 1) / multiple * multiple
        file = Self.file(start.file, adding: additions)
        self.donor = donor
        self.vocabularies = vocabularies
        self.base = base
        self.references = references
        overrides = setting.tokens
        for (text, token) in setting.tokens.sorted(by: { $0.key < $1.key }) {
            if let embedding = token.embedding { _ = try source(embedding, of: text) }
        }
    }

    /// How a plain token is listed among the added ones.
    private static let plainEntry: JSONObject = [
        "id": 0, "content": "", "single_word": false, "lstrip": false, "rstrip": false, "normalized": true,
        "special": false,
    ]

    private static func file(_ file: JSONValue, adding entries: [JSONObject]) -> JSONValue {
        guard var object = file.objectValue, !entries.isEmpty else { return file }
        let known = object["added_tokens"]?.arrayValue ?? []
        object["added_tokens"] = .array(known + entries.map { .object($0) })
        return .object(object)
    }

    /// Where a model's rows come from.
    func sources(of model: Int) throws(CollabError) -> [Source] {
        var sources: [Source] = []
        sources.reserveCapacity(rowCount)
        for text in tokens { sources.append(try source(of: text, in: model)) }
        while sources.count < rowCount { sources.append(.ownMean) }
        return sources
    }

    private func source(of text: String, in model: Int) throws(CollabError) -> Source {
        let override = overrides[text]
        if let embedding = override?.embedding, override?.isForced == true {
            return try source(embedding, of: text)
        }
        if let row = vocabularies[model].identifiers[text] { return .row(model: model, row: row) }
        if let embedding = override?.embedding { return try source(embedding, of: text) }
        if let row = vocabularies[base].identifiers[text] { return .row(model: base, row: row) }
        let owners = vocabularies.indices.compactMap { place in
            vocabularies[place].identifiers[text].map { Row(model: place, row: $0) }
        }
        switch owners.count {
        case 0: return .zero
        case 1: return .row(model: owners[0].model, row: owners[0].row)
        default: return .mean(owners)
        }
    }

    private func source(_ embedding: TokenizerSetting.Embedding, of text: String) throws(CollabError)
        -> Source
    {
        switch embedding {
        case .zero: return .zero
        case .model(let reference): return try row(of: text, in: reference)
        case .token(let reference, let other): return try row(of: other, in: reference)
        case .identifier(let reference, let number):
            return .row(model: try place(of: reference), row: number)
        }
    }

    private func row(of text: String, in reference: ModelReference) throws(CollabError) -> Source {
        let place = try place(of: reference)
        guard let row = vocabularies[place].identifiers[text] else {
            throw CollabError(.invalidRequest, "\(reference) has no token “\(text)”.")
        }
        return .row(model: place, row: row)
    }

    private func place(of reference: ModelReference) throws(CollabError) -> Int {
        guard let place = references.firstIndex(of: reference) else {
            throw CollabError(
                .invalidRequest,
                "\(reference) gives an embedding and is none of the merge's models."
            )
        }
        return place
    }
}
