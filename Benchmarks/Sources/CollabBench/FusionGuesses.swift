import Collab
import CollabBackends

/// Fused models that take turns at guessing, against the same fusion written plainly.
///
/// The models have weights of their own, and are told different things. Beside the measured ratio stand the one that the
/// share of right guesses promises in passes, 2 / (2 − a), and the one that it promises in time from what a pass over one
/// and over two tokens costs: a token takes c(2), and c(1) more after a wrong guess. The bar stands where 1.6 or more is
/// promised in time, as on one core, where a plain token takes the passes of both members one after the other; on two
/// cores members read side by side, and nothing like it can be promised.
struct FusionGuesses {
    var runner: FusionRunner
    var rounds: Int

    func measurements(_ first: NativeModel, _ second: NativeModel) async throws -> [Measurement] {
        let members = [FusionSuite.roles(of: first, 2)[0], FusionSuite.roles(of: second, 2)[1]]
        let single = try await passSeconds(first, tokens: 1)
        let double = try await passSeconds(first, tokens: 2)
        var lines = [
            Measurement(
                name: "guesses: a pass over two tokens",
                figures: ["ms of one": 1e3 * single, "ms of two": 1e3 * double, "ratio": double / single]
            )
        ]
        let fusions: [Fusion] = [
            .mixture, .productOfExperts, .productOfExperts(weights: [1, 1]), .contextAware(), .guidance(),
            .contrastive(),
        ]
        for fusion in fusions {
            for (sampling, agreement) in [
                (Sampling.greedy, GuessAgreement.sameAnswer), (.temperature(1), .sameAnswer),
                (.temperature(1), .sameDistribution),
            ] {
                lines.append(try await measurement(fusion, sampling, agreement, members, single, double))
            }
        }
        return lines
    }

    private func measurement(
        _ fusion: Fusion,
        _ sampling: Sampling,
        _ agreement: GuessAgreement,
        _ members: [any LogitModel],
        _ single: Double,
        _ double: Double
    ) async throws -> Measurement {
        let plain = FusedModel(nil, fusion, members: members)
        var seed: UInt64 = 0
        var acceptances: [Double] = []
        func rate(_ model: some LogitModel) async throws -> Double {
            let answer = try await write(model, sampling, seed: seed)
            if let acceptance = answer.acceptance { acceptances.append(acceptance) }
            return answer.rate
        }
        let turns = try await Turns(
            rounds: rounds,
            [
                {
                    seed += 1
                    return try await rate(plain)
                },
                { try await rate(plain.alternating(keeping: agreement)) },
                { try await rate(plain.alternating(.fixed(1), keeping: agreement)) },
            ]
        )
        let acceptance = acceptances.reduce(0, +) / Double(max(acceptances.count, 1))
        let step = 1 / turns.value(0)
        let promised = step / (double + (1 - acceptance) * single)
        let bar = promised >= 1.6 ? ["bar": 1.5] : [:]
        return Measurement(
            name: "guesses: 2 models, \(fusion.name)",
            conditions: [
                "temperature": String(sampling.temperature), "weights": String(describing: fusion.weights),
                "keeping": String(describing: agreement),
            ],
            figures: [
                "tokens/s": turns.value(1), "tokens/s plain": turns.value(0), "ratio": turns.ratio(1, to: 0),
                "ratio, always in turns": turns.ratio(2, to: 0), "acceptance": acceptance,
                "ratio promised in passes": 2 / (2 - acceptance),
                "ratio promised in time": promised,
            ].merging(bar) { $1 }
        )
    }

    private func write(
        _ model: some LogitModel,
        _ sampling: Sampling,
        seed: UInt64
    ) async throws -> (rate: Double, acceptance: Double?) {
        var request = runner.request
        request.options.maximumTokens = runner.count
        request.options.sampling = sampling
        request.options.seed = seed
        // The prompt is read before, so that what counts is writing.
        _ = try await model.startDecoding(request)
        let run = Run()
        let start = ContinuousClock.now
        let response = try await model.respond(to: request, in: run)
        let seconds = seconds(since: start)
        let note = run.trace?.calls.first?.notes.first { $0.key == "acceptance" }
        return (Double(response.usage.completionTokens) / seconds, note.flatMap { Double($0.value) })
    }

    /// Seconds of a pass over some tokens, with the logits after each.
    private func passSeconds(_ model: NativeModel, tokens count: Int) async throws -> Double {
        let decoder = try await model.startDecoding(runner.request).decoder
        let start = decoder.position
        var times: [Double] = []
        for _ in 0..<40 {
            let begin = ContinuousClock.now
            _ = try await decoder.append(Array(repeating: 300, count: count), logits: .all)
            times.append(seconds(since: begin))
            try await decoder.truncate(to: start)
        }
        return median(times)
    }
}
