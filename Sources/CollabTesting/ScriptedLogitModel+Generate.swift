public import Collab

extension ScriptedLogitModel {
    /// Writes an answer token by token from the script's probabilities.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let start = try await startDecoding(request)
        var logits = start.logits
        var generator = SeededGenerator(seed: request.options.seed ?? UInt64(request.sample))
        var tokens: [GeneratedToken] = []
        var text = ""
        let limit = request.options.maximumTokens ?? contextLength
        var ending = Response.Ending.tokenLimit
        while tokens.count < limit {
            let token = choose(from: logits, request.options.sampling, &generator)
            if token == vocabulary.end {
                ending = .finished
                break
            }
            let piece = vocabulary.texts[Int(token)]
            tokens.append(
                GeneratedToken(
                    id: token,
                    bytes: Array(piece.utf8),
                    logprob: Double(logits[token]),
                    alternatives: alternatives(logits, count: request.options.alternatives)
                )
            )
            text += piece
            await sink.send(piece)
            if start.decoder.position == contextLength { break }
            logits = try await start.decoder.append(token)
        }
        return Response(
            text: text,
            model: name,
            ending: ending,
            tokens: tokens,
            usage: Usage(promptTokens: start.promptTokens, completionTokens: tokens.count, calls: 1)
        )
    }

    private func alternatives(_ logits: Logits, count: Int) -> [GeneratedToken.Alternative] {
        guard count > 0 else { return [] }
        let order = logits.values.indices.sorted { (logits.values[$0], $1) > (logits.values[$1], $0) }
        return order.prefix(count).map {
            GeneratedToken.Alternative(
                id: TokenID($0),
                bytes: vocabulary.bytes(of: TokenID($0)),
                logprob: Double(logits.values[$0])
            )
        }
    }

    private func choose(
        from logits: Logits,
        _ sampling: Sampling,
        _ generator: inout SeededGenerator
    ) -> TokenID {
        guard sampling.temperature > 0 else {
            let best = logits.values.indices.max { (logits.values[$0], $1) < (logits.values[$1], $0) }
            return TokenID(best ?? 0)
        }
        let weights = logits.values.map { exponential(Double($0) / sampling.temperature) }
        var left = generator.nextUnit() * weights.reduce(0, +)
        for (id, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return TokenID(id) }
        }
        return vocabulary.end
    }
}
