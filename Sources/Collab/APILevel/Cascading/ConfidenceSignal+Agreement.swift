extension ConfidenceSignal {
    /// The share of the earlier drafts that give the same answer: agreement between different models. The first draft
    /// agrees with nobody, so it cannot be measured; an answer that cannot be read agrees with none.
    ///
    /// `Cascade(until: .confidence(.agreement(as: .numeric), above: 0.99)) { a; b; strong }` accepts what two cheaper
    /// models agree on and asks the strong one for the rest.
    public static func agreement(as format: AnswerFormat) -> ConfidenceSignal {
        ConfidenceSignal("agreement with earlier drafts") { evidence in
            guard !evidence.earlier.isEmpty else { return nil }
            let answer = format.answer(in: evidence.response.text)
            guard answer.isParsed else { return 0 }
            let agreeing = evidence.earlier.count { format.answer(in: $0.text) == answer }
            return Double(agreeing) / Double(evidence.earlier.count)
        }
    }

    /// The share of several samples of the same model that give the answer's answer, the answer itself included
    /// (Wang et al. 2022; as a signal to ask on, Yue et al. 2024). Samples that cannot be read agree with none.
    ///
    /// - Parameters:
    ///   - samples: how many samples there are with the answer itself; 2 or more.
    ///   - format: what the same answer is.
    ///   - sampling: how the further ones are drawn.
    public static func selfConsistency(
        samples: Int,
        as format: AnswerFormat,
        sampling: Sampling = .temperature(0.7)
    ) -> ConfidenceSignal {
        let further = max(samples - 1, 1)
        return ConfidenceSignal("self-consistency over \(further + 1) samples", callRange: further...further)
        {
            evidence in
            let answer = format.answer(in: evidence.response.text)
            guard answer.isParsed else { return 0 }
            let requests = (1...further).map { number in
                var request = evidence.request
                if request.options.sampling.temperature == 0 { request.options.sampling = sampling }
                if let seed = request.options.seed { request.options.seed = seed &+ UInt64(number) }
                request.sample = request.sample &* (further + 1) &+ number
                return request
            }
            let model = evidence.model
            let texts = try await concurrently(requests) { (request) async throws(CollabError) in
                try await model.respond(to: request).text
            }
            let agreeing = texts.count { format.answer(in: $0) == answer }
            return Double(agreeing + 1) / Double(further + 1)
        }
    }
}
