internal import Collab

/// Reads the log-probabilities of a piece of an answer.
///
/// There are two forms: the chat form, `{"content": [{"token", "bytes", "logprob", "top_logprobs"}]}` with `id` on
/// some servers, and the older form of completions, `{"tokens", "token_logprobs", "top_logprobs"}`, whose alternatives
/// are keyed by text. Some servers use the chat form for completions too.
///
/// vLLM, asked for ids, writes `token_id:7` in the place of a token's text in both forms, and as its bytes those of that
/// word. Such a token has an id and no bytes.
enum TokenReport {
    /// The tokens of a `logprobs` value; `nil` if a number in it cannot be a log-probability.
    static func tokens(_ logprobs: JSONValue, alternatives: Int) -> [GeneratedToken]? {
        if let entries = logprobs["content"]?.arrayValue {
            return collect(entries) { token($0, alternatives: alternatives) }
        }
        guard let texts = logprobs["tokens"]?.arrayValue else { return [] }
        return collect(texts.indices) { index in
            guard let logprob = logprobs["token_logprobs"]?[index]?.doubleValue, isPlausible(logprob) else {
                return nil
            }
            let entries = logprobs["top_logprobs"]?[index]?.objectValue ?? JSONObject()
            let others = entries.compactMap { entry -> GeneratedToken.Alternative? in
                guard let logprob = entry.value.doubleValue, isKnown(logprob) else { return nil }
                let (id, bytes) = named(entry.key)
                return GeneratedToken.Alternative(id: id, bytes: bytes, logprob: logprob)
            }
            let (id, bytes) = named(texts[index].stringValue ?? "")
            return GeneratedToken(
                id: id,
                bytes: bytes,
                logprob: logprob,
                alternatives: best(others, alternatives)
            )
        }
    }

    private static func token(_ entry: JSONValue, alternatives: Int) -> GeneratedToken? {
        guard let logprob = entry["logprob"]?.doubleValue, isPlausible(logprob) else { return nil }
        let others = (entry["top_logprobs"]?.arrayValue ?? []).compactMap {
            entry -> GeneratedToken.Alternative? in
            guard let logprob = entry["logprob"]?.doubleValue, isKnown(logprob) else { return nil }
            return GeneratedToken.Alternative(id: id(entry), bytes: bytes(entry), logprob: logprob)
        }
        return GeneratedToken(
            id: id(entry),
            bytes: bytes(entry),
            logprob: logprob,
            alternatives: best(others, alternatives)
        )
    }

    /// Most probable first; ties keep the server's order.
    private static func best(
        _ others: [GeneratedToken.Alternative],
        _ count: Int
    ) -> [GeneratedToken.Alternative] {
        let sorted = others.enumerated().sorted {
            ($1.element.logprob, $0.offset) < ($0.element.logprob, $1.offset)
        }
        return sorted.prefix(count).map(\.element)
    }

    private static func id(_ entry: JSONValue) -> TokenID? {
        entry["id"]?.intValue.flatMap { TokenID(exactly: $0) } ?? entry["token"]?.stringValue.flatMap(id(in:))
    }

    /// The id in `token_id:7`; `nil` for any other text.
    static func id(in text: String) -> TokenID? {
        let mark = "token_id:"
        guard text.hasPrefix(mark) else { return nil }
        let digits = text.utf8.dropFirst(mark.utf8.count)
        return digits.allSatisfy { (0x30...0x39).contains($0) } ? TokenID(text.dropFirst(mark.count)) : nil
    }

    /// What a text in a token's place tells.
    private static func named(_ text: String) -> (id: TokenID?, bytes: [UInt8]) {
        let id = id(in: text)
        return (id, id == nil ? Array(text.utf8) : [])
    }

    private static func bytes(_ entry: JSONValue) -> [UInt8] {
        let text = entry["token"]?.stringValue ?? ""
        let (id, own) = named(text)
        if let values = entry["bytes"]?.arrayValue {
            let bytes = values.compactMap { $0.intValue.flatMap { UInt8(exactly: $0) } }
            let isWord = id != nil && bytes.elementsEqual(text.utf8)
            if bytes.count == values.count, !isWord { return bytes }
        }
        return own
    }

    /// Rounding can lift a certain token a little above 0.
    private static func isPlausible(_ logprob: Double) -> Bool { logprob.isFinite && logprob < 0.01 }

    /// OpenAI writes −9999 for “less probable than what I tell”, which is no number to compute with.
    private static func isKnown(_ logprob: Double) -> Bool { isPlausible(logprob) && logprob > -9999 }

    private static func collect<Elements: Collection>(
        _ elements: Elements,
        _ transform: (Elements.Element) -> GeneratedToken?
    ) -> [GeneratedToken]? {
        var tokens: [GeneratedToken] = []
        for element in elements {
            guard let token = transform(element) else { return nil }
            tokens.append(token)
        }
        return tokens
    }
}
