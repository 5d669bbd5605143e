extension ConfidenceSignal {
    /// How sure the model says that it is, asked afterwards, from 0 to 100.
    ///
    /// Of all signals it is among the weakest: models say that they are sure (Xiong et al. 2024). An answer that is no
    /// number from 0 to 100 is not measured.
    public static let verbalised = verbalised(in: .english)

    /// How sure the model says that it is, asked afterwards in some language, from 0 to 100.
    public static func verbalised(in wording: Wording) -> ConfidenceSignal {
        ConfidenceSignal("confidence in its own words", callRange: 1...1) { evidence in
            var request = evidence.request.appending([
                .assistant(evidence.response.text),
                .user(
                    wording(
                        "How sure are you that this answer is right? Answer with a number from 0 (not at all) to 100 and nothing "
                            + "else."
                    )
                ),
            ])
            request.options = GenerationOptions(maximumTokens: 16)
            let said = try await evidence.model.respond(to: request).text
            guard let value = AnswerFormat.numeric.answer(in: said).value.flatMap(Double.init),
                (0...100).contains(value)
            else { return nil }
            return value / 100
        }
    }

    /// What another model thinks of the answer: the share of its verdicts that say that it is right; verdicts that are
    /// neither yes nor no do not count.
    ///
    /// - Parameters:
    ///   - verifier: who judges.
    ///   - verdicts: how many are asked for.
    ///   - wording: the language in which it is asked, and by whose words its yes and no are known.
    public static func verified(
        by verifier: any TextModel,
        verdicts: Int = 1,
        in wording: Wording = .english
    ) -> ConfidenceSignal {
        let count = max(verdicts, 1)
        return ConfidenceSignal(
            "verification by \(verifier.name)",
            callRange: count...count,
            asking: [verifier]
        ) { evidence in try await verdictShare(of: verifier, count, evidence, wording) }
    }

    /// What the model thinks of its own answer, asked several times with chance: the share of verdicts that say that it
    /// is right (Aggarwal et al. 2023, “AutoMix”). ``SelfVerificationPolicy`` learns at which shares to ask on.
    public static func selfVerified(verdicts: Int = 8, in wording: Wording = .english) -> ConfidenceSignal {
        let count = max(verdicts, 1)
        return ConfidenceSignal("self-verification by \(count) verdicts", callRange: count...count) {
            evidence in
            try await verdictShare(of: evidence.model, count, evidence, wording)
        }
    }

    /// The probability that a model gives to “True” against “False” when asked whether the answer is right: P(True)
    /// (Kadavath et al. 2022). The judge may be the model itself.
    public static func probabilityTrue(by judge: any LogitModel) -> ConfidenceSignal {
        ConfidenceSignal("P(True) by \(judge.name)", callRange: 1...1, asking: [judge]) { evidence in
            let prompt = Request.completion(
                """
                Question: \(evidence.request.question)
                Proposed answer: \(evidence.response.text)
                Is the proposed answer true or false?
                The proposed answer is
                """
            )
            let logprobs = try await Run.measure(judge.name, prompt) { () async throws(CollabError) in
                let values = try await judge.logprobs(of: [" True", " False"], after: prompt)
                return (
                    values, "True \(values[0].rounded(toPlaces: 2)), False \(values[1].rounded(toPlaces: 2))"
                )
            }
            return sigmoid(logprobs[0] - logprobs[1])
        }
    }

    /// The share of yes among the verdicts that are yes or no; `nil` if none is.
    private static func verdictShare(
        of judge: any TextModel,
        _ count: Int,
        _ evidence: Evidence,
        _ wording: Wording
    ) async throws -> Double? {
        let lines = [
            "\(wording("Question")): \(evidence.request.question)",
            "\(wording("Proposed answer")): \(evidence.response.text)",
            wording("Is the proposed answer correct? Answer with yes or no."),
        ]
        let requests = (0..<count).map { number in
            var request = Request(.dialogue([.user(lines.joined(separator: "\n"))]))
            request.options.maximumTokens = 64
            request.sample = number
            if count > 1 { request.options.sampling = .temperature(0.7) }
            return request
        }
        let verdicts = try await concurrently(requests) { (request) async throws(CollabError) in
            YesNoReader(wording).verdict(try await judge.respond(to: request).text)
        }
        let heard = verdicts.compactMap { $0 }
        return heard.isEmpty ? nil : Double(heard.count { $0 == "yes" }) / Double(heard.count)
    }
}
