internal import Collab

/// How a server makes tokens of a text that goes on with another.
///
/// Servers of Llama 2's kind of models put a space in front of every text that they are asked about, and have no option
/// to leave it out. Behind a line break there is none, so texts are asked about behind one where that is so.
enum ContinuationRule: Sendable {
    /// As they make tokens of a text by itself.
    case alone
    /// Behind a line break, whose tokens, with the space in front of it, are these.
    case behindLineBreak([TokenID])
}

extension RemoteModel {
    /// The tokens of a text that goes on with another, without the space that some vocabularies put in front of texts.
    ///
    /// What the server does is found out once, with three questions; from then on it takes one a text. Where the first
    /// token behind the line break reaches into the text, the text is cut into tokens by itself.
    /// Throws what ``tokens(of:)`` throws.
    func tokens(continuing text: String) async throws(CollabError) -> [TokenID] {
        if text.isEmpty { return [] }
        guard case .behindLineBreak(let opening) = try await findContinuationRule() else {
            return try await tokens(of: text)
        }
        let tokens = try await tokens(of: Self.lineBreak + text)
        return tokens.starts(with: opening)
            ? Array(tokens.dropFirst(opening.count)) : try await self.tokens(of: text)
    }

    private static let lineBreak = "\n"

    /// Finds out what the server does; ask before several texts are asked about side by side.
    @discardableResult
    func findContinuationRule() async throws(CollabError) -> ContinuationRule {
        if let known = continuationRule.withLock({ $0 }) { return known }
        let texts = [Self.lineBreak, Self.lineBreak + "x", "x"]
        let found = try await concurrently(texts) { (text) async throws(CollabError) in
            try await self.tokens(of: text)
        }
        let (opening, behind, alone) = (found[0], found[1], found[2])
        let isPrefixed = behind.starts(with: opening) && Array(behind.dropFirst(opening.count)) != alone
        let rule = isPrefixed ? ContinuationRule.behindLineBreak(opening) : .alone
        continuationRule.withLock { $0 = rule }
        return rule
    }
}
