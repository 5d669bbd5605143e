internal import Collab

extension ThinkingBlock {
    /// A block as a server of a protocol sent it.
    init(_ object: JSONObject, text: String, of dialect: Dialect, toolCallsBefore: Int) {
        self.init(
            format: dialect.rawValue,
            text: text,
            json: String(decoding: JSONValue.object(object).encoded(), as: UTF8.self),
            toolCallsBefore: toolCallsBefore
        )
    }
}

extension Message {
    /// The blocks of thinking that a protocol wants back in front of one of the turn's tool calls, or behind the last.
    ///
    /// Throws ``Collab/CollabError/Code/invalidRequest`` if one is no JSON object.
    func thinking(of dialect: Dialect, before call: Int) throws(CollabError) -> [JSONValue] {
        let blocks = thinkingBlocks.filter {
            $0.format == dialect.rawValue
                && min(max($0.toolCallsBefore, 0), toolCalls.count) == call
        }
        return try blocks.map { (block) throws(CollabError) in
            if case .object(let object)? = try? JSONValue(parsing: Array(block.json.utf8), policy: .wire) {
                return .object(object)
            }
            throw CollabError(
                .invalidRequest,
                "A block of thinking is no JSON object. It has to be sent back as it came; see Message.assistant(_:)."
            )
        }
    }
}
