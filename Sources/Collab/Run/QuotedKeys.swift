/// Keys that servers have quoted in their answers, which nothing that is written down may repeat.
///
/// A server that echoes a request's headers under a good status, or a model that reads them out, puts the key into an
/// answer. The caller gets the answer as it is. From then on traces, cassettes, caches and logs of this process have
/// `[redacted]` in the key's place, also in what others say who were shown that answer.
package enum QuotedKeys {
    private static let keys = Protected<[String]>([])

    /// The most keys that are remembered; the oldest give way. Keys that change with every call are worth little later.
    private static let limit = 64

    /// Looks for the keys of a call in its answer, and remembers those that it quotes.
    package static func look(for candidates: [String], in response: Response) {
        for key in candidates where isKey(key) {
            let redactor = Redactor([key], isForAnswers: true)
            guard response.quotableTexts.contains(where: { redactor.finds(in: $0) }) else { continue }
            keys.withLock { keys in
                keys.removeAll { $0 == key }
                keys.append(key)
                if keys.count > limit { keys.removeFirst() }
            }
        }
    }

    /// What takes the quoted keys out of texts; `nil` as long as no key has been quoted.
    package static var redactor: Redactor? {
        let known = keys.withLock { $0 }
        if known.isEmpty { return nil }
        // Votes and debates compare answers without their punctuation and case.
        let compared = known.compactMap { AnswerFormat.freeText.answer(in: $0).value }.filter {
            $0.count >= 8
        }
        return Redactor(known + compared, isForAnswers: true)
    }

    /// Whether it can be told from words: placeholders such as `EMPTY` or `anything` stand for keys where servers want
    /// none, and texts have them for other reasons.
    private static func isKey(_ text: String) -> Bool {
        text.utf8.count >= 16 || (text.utf8.count >= 8 && text.contains(where: \.isNumber))
    }
}

extension Response {
    /// Every text that comes from the model or its server.
    fileprivate var quotableTexts: [String] {
        var texts = [text, thinking ?? "", refusal ?? ""]
        texts +=
            toolCalls.flatMap { [$0.id, $0.name, $0.arguments] }
            + thinkingBlocks.flatMap { [$0.text, $0.json] }
        if case .other(let name) = ending { texts.append(name) }
        return texts.filter { !$0.isEmpty }
    }

    /// The same as it may be written down: without keys that a server has quoted.
    ///
    /// Tokens that spell one lose their ids and alternatives, which spell it too; signed blocks of thinking are left out.
    package var withoutQuotedKeys: Response { QuotedKeys.redactor.map(scrubbed) ?? self }

    private func scrubbed(by redactor: Redactor) -> Response {
        var response = self
        response.text = redactor.scrub(text)
        response.thinking = thinking.map(redactor.scrub)
        response.refusal = refusal.map(redactor.scrub)
        response.toolCalls = toolCalls.map { call in
            ToolCall(
                id: redactor.scrub(call.id),
                name: redactor.scrub(call.name),
                arguments: redactor.scrub(call.arguments)
            )
        }
        response.thinkingBlocks.removeAll { redactor.finds(in: $0.text) || redactor.finds(in: $0.json) }
        if case .other(let name) = ending { response.ending = .other(redactor.scrub(name)) }
        if let tokens { response.tokens = scrubbed(tokens, by: redactor, isQuoting: response.text != text) }
        return response
    }

    /// Tokens without what spells a key; `nil` if it cannot be told which do.
    private func scrubbed(
        _ tokens: [GeneratedToken],
        by redactor: Redactor,
        isQuoting: Bool
    ) -> [GeneratedToken]? {
        guard let pieces = redactor.scrub(pieces: tokens.map(\.bytes)) else {
            return isQuoting ? nil : tokens
        }
        return zip(tokens, pieces).map { token, piece in
            piece == token.bytes ? token : GeneratedToken(id: nil, bytes: piece, logprob: token.logprob)
        }
    }
}

extension Request {
    /// The same as it may be written down: without keys that a server has quoted.
    package var withoutQuotedKeys: Request {
        guard let redactor = QuotedKeys.redactor else { return self }
        return mappingTexts(redactor.scrub)
    }
}

extension TraceNode {
    /// The same as it may be written down, with everything beneath it: without keys that a server has quoted.
    var withoutQuotedKeys: TraceNode { QuotedKeys.redactor.map(scrubbed) ?? self }

    private func scrubbed(by redactor: Redactor) -> TraceNode {
        var node = self
        node.request = request?.mappingTexts(redactor.scrub)
        node.text = text.map(redactor.scrub)
        node.failure = failure.map(redactor.scrub)
        node.requestID = requestID.map(redactor.scrub)
        if case .other(let name) = ending { node.ending = .other(redactor.scrub(name)) }
        node.notes = notes.map { Note(key: $0.key, value: redactor.scrub($0.value)) }
        node.decisions = decisions.map { $0.scrubbed(by: redactor) }
        node.turns = turns.map { $0.scrubbed(by: redactor) }
        node.children = children.map { $0.scrubbed(by: redactor) }
        return node
    }
}

extension RunEvent.Kind {
    /// The same as it may be written down: without keys that a server has quoted. Pieces of an answer on its way to the
    /// caller stay as they are.
    var withoutQuotedKeys: RunEvent.Kind {
        guard let redactor = QuotedKeys.redactor else { return self }
        return switch self {
        case .decided(let decision): .decided(decision.scrubbed(by: redactor))
        case .noted(let key, let value): .noted(key: key, value: redactor.scrub(value))
        case .spoke(let turn): .spoke(turn.scrubbed(by: redactor))
        case .failed(let code, let message): .failed(code, message: redactor.scrub(message))
        case .started, .text, .finished: self
        }
    }
}

extension Decision {
    fileprivate func scrubbed(by redactor: Redactor) -> Decision {
        var decision = self
        decision.choice = redactor.scrub(choice)
        decision.reason = redactor.scrub(reason)
        decision.scores = scores.map { score in
            var score = score
            score.candidate = redactor.scrub(score.candidate)
            return score
        }
        decision.answer = answer?.scrubbed(by: redactor)
        return decision
    }
}

extension Answer {
    fileprivate func scrubbed(by redactor: Redactor) -> Answer {
        value.map { .value(redactor.scrub($0)) } ?? self
    }
}

extension Turn {
    fileprivate func scrubbed(by redactor: Redactor) -> Turn {
        var turn = self
        turn.answer = answer.scrubbed(by: redactor)
        turn.before = before?.scrubbed(by: redactor)
        turn.messages = messages?.map { message in
            var message = message
            message.answer = message.answer.scrubbed(by: redactor)
            return message
        }
        return turn
    }
}
