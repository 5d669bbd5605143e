import Collab

/// The `model` of `tokenizer.json` as the file writes it.
struct WrittenModel {
    /// The tokens in the order of the file.
    var tokens = ByteStrings()
    /// Their numbers.
    var ids: [TokenID] = []
    /// Their scores, where tokens have some.
    var scores: [Double] = []
    /// The halves of each merge, in order.
    var merges = (left: ByteStrings(), right: ByteStrings())
    /// Everything else.
    var options = JSONObject()

    /// The kinds that can be read.
    static let kinds = ["BPE", "Unigram", "WordPiece"]

    /// An empty one.
    init() {}

    /// Which kind of model it is; files written before 2021 do not say.
    func type() throws(CollabError) -> String {
        if let type = options["type"] {
            guard let name = type.stringValue else {
                throw CollabError(.malformedFile, "tokenizer.json: the type of the model is \(type.kind).")
            }
            guard Self.kinds.contains(name) else {
                throw TokenizerComponent(json: .object(options), place: "model").unknown(
                    name,
                    known: Self.kinds
                )
            }
            return name
        }
        if !scores.isEmpty { return "Unigram" }
        return options["max_input_chars_per_word"] != nil ? "WordPiece" : "BPE"
    }

    /// Reads the object at the reader's place, piece by piece: vocabularies are large.
    init(_ reader: inout JSONReader) throws(CollabError) {
        try reader.beginObject()
        var isFirst = true
        var seen: Set<String> = []
        while let key = try reader.nextKey(isFirst: isFirst) {
            isFirst = false
            guard seen.insert(key).inserted else {
                throw reader.error("the model has “\(key.abbreviated)” twice")
            }
            switch key {
            case "vocab":
                if reader.peek() == UInt8(ascii: "[") {
                    try readScoredVocabulary(&reader)
                } else {
                    try readVocabulary(&reader)
                }
            case "merges": try readMerges(&reader)
            default: options[key] = try reader.readValue()
            }
        }
        guard seen.contains("vocab"), tokens.count > 0 else {
            throw CollabError(.malformedFile, "tokenizer.json: the model has no vocabulary.")
        }
    }

    private mutating func readVocabulary(_ reader: inout JSONReader) throws(CollabError) {
        try reader.beginObject()
        var isFirst = true
        while let token = try reader.nextKey(isFirst: isFirst) {
            isFirst = false
            tokens.append(token.utf8)
            let offset = reader.position
            let id = try reader.readCount("the id of a token")
            guard let id = TokenID(exactly: id) else {
                throw reader.error("the id of a token is beyond 2^31 - 1", at: offset)
            }
            ids.append(id)
        }
    }

    private mutating func readScoredVocabulary(_ reader: inout JSONReader) throws(CollabError) {
        try reader.beginArray()
        while try reader.nextElement(isFirst: ids.isEmpty) {
            try reader.beginArray()
            guard try reader.nextElement(isFirst: true) else { throw reader.error("a token expected") }
            tokens.append(try reader.readString().utf8)
            guard try reader.nextElement(isFirst: false), let score = try reader.readValue().doubleValue
            else {
                throw reader.error("a score expected")
            }
            scores.append(score)
            guard try !reader.nextElement(isFirst: false) else {
                throw reader.error("a token and its score expected")
            }
            ids.append(TokenID(truncatingIfNeeded: ids.count))
        }
    }

    private mutating func readMerges(_ reader: inout JSONReader) throws(CollabError) {
        try reader.beginArray()
        var isFirst = true
        while try reader.nextElement(isFirst: isFirst) {
            isFirst = false
            if reader.peek() == UInt8(ascii: "[") {
                try reader.beginArray()
                guard try reader.nextElement(isFirst: true) else { throw reader.error("a token expected") }
                merges.left.append(try reader.readString().utf8)
                guard try reader.nextElement(isFirst: false) else {
                    throw reader.error("a second token expected")
                }
                merges.right.append(try reader.readString().utf8)
                guard try !reader.nextElement(isFirst: false) else {
                    throw reader.error("a merge of two tokens expected")
                }
            } else {
                let offset = reader.position
                let merge = try reader.readString()
                if merge.hasPrefix("#version") { continue }
                let parts = merge.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw reader.error("a merge of two tokens expected", at: offset)
                }
                merges.left.append(parts[0])
                merges.right.append(parts[1])
            }
        }
    }
}
