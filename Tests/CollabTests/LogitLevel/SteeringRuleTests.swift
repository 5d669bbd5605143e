import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The references are the formulas in double precision, written out over all tokens.
@Suite("Rules that are more than a sum of logits, against their definitions")
struct SteeringRuleTests {
    let members: [[Double]] = {
        var generator = SeededGenerator(seed: 8)
        return (0..<3).map { _ in (0..<211).map { _ in Double(Float(generator.nextUnit() * 12 - 6)) } }
    }()

    var logs: [[Double]] { members.map(FusionReference.logSoftmax) }

    func logprobs(
        _ fusion: Fusion,
        _ count: Int = 2,
        at moment: FusionMoment = FusionMoment(),
        losses: [Double]? = nil
    ) throws -> [Double] {
        let rows = members.prefix(count).map { Logits($0.map { Float($0) }) }
        let step = try FusionPlan(fusion, memberCount: count, losses: losses)
            .fuse(Array(rows), names: ["a", "b", "c"].prefix(count).map { $0 }, at: moment)
        return FusionReference.logSoftmax(step.logits.values.map { Double($0) })
    }

    func expect(_ found: [Double], _ expected: [Double], _ comment: Comment) {
        #expect(largestDifference(found, FusionReference.logSoftmax(expected)) < 1e-4, comment)
    }

    // MARK: Combinations

    @Test("union and intersection are the largest and the smallest log-probability")
    func extremes() throws {
        let tokens = members[0].indices
        expect(try logprobs(.union, 3), tokens.map { v in logs.map { $0[v] }.max()! }, "union")
        expect(try logprobs(.intersection, 3), tokens.map { v in logs.map { $0[v] }.min()! }, "intersection")
    }

    /// The reference tries one length of the lists after the other.
    @Test("the favourites that all share are those of the shortest lists with so many in common")
    func sharedTop() throws {
        var generator = SeededGenerator(seed: 3)
        for trial in 0..<40 {
            let (memberCount, size, count) = (2 + trial % 2, 300, 1 + trial % 7)
            let rows = (0..<memberCount).map { _ in (0..<size).map { _ in Float(generator.nextUnit()) * 9 } }
            let lists = rows.map { row in row.indices.sorted { row[$0] > row[$1] } }
            func common(_ length: Int) -> Set<Int> {
                lists.dropFirst().reduce(Set(lists[0].prefix(length))) { $0.intersection($1.prefix(length)) }
            }
            let length = try #require((1...size).first { common($0).count >= count })
            let plan = try FusionPlan(.sharedTop(count), memberCount: memberCount)
            let step = try plan.fuse(rows.map { Logits($0) }, names: rows.map { _ in "m" })
            let kept = step.logits.values.indices.filter { step.logits.values[$0] > -.infinity }
            #expect(Set(kept) == common(length), "\(memberCount) members, \(count) tokens")
        }
    }

    @Test("what a member finds impossible is no favourite that all share, however few there are")
    func sharedPossible() throws {
        let rows: [[Float]] = [[3, 2, -.infinity, 1, 0], [-.infinity, 2, 3, -.infinity, 1]]
        for (count, expected) in [(1, [1]), (2, [1, 4]), (4, [1, 4])] {
            let plan = try FusionPlan(.sharedTop(count), memberCount: 2)
            let values = try plan.fuse(rows.map { Logits($0) }, names: ["a", "b"]).logits.values
            #expect(values.indices.filter { values[$0] > -.infinity } == expected)
        }
    }

    @Test("SafeDecoding extrapolates probabilities over shared favourites, then leaves the base alone")
    func safeDecoding() throws {
        var limit = 5
        func top(_ row: [Double]) -> Set<Int> {
            Set(row.indices.sorted { (-row[$0], $0) < (-row[$1], $1) }.prefix(limit))
        }
        while top(members[0]).intersection(top(members[1])).count < 5 { limit += 1 }
        let shared = top(members[0]).intersection(top(members[1]))
        let expected = members[0].indices.map { v in
            shared.contains(v)
                ? log(max(exp(logs[0][v]) + 3 * (exp(logs[1][v]) - exp(logs[0][v])), 1e-8)) : -.infinity
        }
        expect(try logprobs(.safeDecoding(), at: FusionMoment(written: 1)), expected, "guarded")
        expect(try logprobs(.safeDecoding(), at: FusionMoment(written: 2)), members[0], "alone")
    }

    @Test("class-conditional steering weighs a token by the class that it and the text before it belong to")
    func classConditional() throws {
        let moment = FusionMoment(written: 3, logLikelihoods: [-9, -4, -7])
        let expected = members[0].indices.map { v -> Double in
            let (desired, other) = (exp((-4 + logs[1][v]) / 4), exp((-7 + logs[2][v]) / 4))
            return logs[0][v] + 2 * log(desired / (desired + other))
        }
        let fusion = Fusion.classConditional(strength: 2)
        expect(try logprobs(fusion.masked(by: .none), 3, at: moment), expected, "unmasked")
        let least = members[0].max()! + log(0.1)
        let masked = members[0].indices.map { members[0][$0] >= least ? expected[$0] : -.infinity }
        expect(try logprobs(fusion, 3, at: moment), masked, "masked")
    }

    @Test("emulated fine-tuning adds what tuning did to each small model")
    func emulated() throws {
        let expected = members[0].indices.map { members[0][$0] + 0.5 * (members[2][$0] - members[1][$0]) }
        let fusion = Fusion.emulatedFineTuning(interpolating: [0.5]).masked(by: .none)
        expect(try logprobs(fusion, 3), expected, "λ = 0.5")
    }

    // MARK: Weights

    @Test("weights follow from entropies, prompt losses and what was found probable")
    func weights() throws {
        let entropies = logs.map { -$0.reduce(0) { $0 + exp($1) * $1 } }
        func softmax(_ values: [Double]) -> [Double] {
            let powers = values.map { exp($0) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        let sure = softmax(entropies.map { -$0 / 0.5 })
        let expected = FusionReference.logLinear(members, sure)
        expect(try logprobs(.entropyWeighted(temperature: 0.5), 3), expected, "by entropy")
        let known = softmax([-2 / 0.7, -1 / 0.7, -3 / 0.7])
        expect(
            try logprobs(.packLLM(temperature: 0.7), 3, losses: [2, 1, 3]),
            FusionReference.logLinear(members, known),
            "by the prompt's loss"
        )
        let moment = FusionMoment(written: 2, logLikelihoods: [-3, -2, -4])
        let posterior = [0.5 * exp(-3), 0.3 * exp(-2), 0.2 * exp(-4.0)]
        expect(
            try logprobs(.posteriorMixture(priors: [0.5, 0.3, 0.2]), 3, at: moment),
            FusionReference.linear(members, posterior),
            "by the text"
        )
    }

    @Test("normalised weights divide by their sum, as language-model arithmetic does")
    func normalised() throws {
        let fusion = Fusion("f", .logLinear, weights: .normalised([1, -0.6]), mask: .none)
        expect(try logprobs(fusion), FusionReference.logLinear(Array(members[..<2]), [2.5, -1.5]), "÷ 0.4")
    }

    // MARK: Schedules

    @Test("a schedule moves the weights between the base alone and the rule")
    func schedules() throws {
        let fusion = Fusion.dexperts(strength: 2).masked(by: .none)
        for (schedule, written, strength) in [
            (Fusion.Schedule.ramp(from: 0, to: 1, over: 4), 1, 0.25), (.decay(halfLife: 3), 3, 0.5),
            (.steps([0.1, 0.4]), 7, 0.4), (.first(2), 1, 1), (.first(2), 2, 0), (.constant, 99, 1),
        ] {
            let expected = FusionReference.logLinear(members, [1, 2 * strength, -2 * strength])
            let found = try logprobs(fusion.scheduled(schedule), 3, at: FusionMoment(written: written))
            expect(found, expected, "\(schedule)")
        }
        let half = Fusion.union.scheduled(.steps([0.5]))
        let union = FusionReference.logSoftmax(members[0].indices.map { max(logs[0][$0], logs[1][$0]) })
        expect(
            try logprobs(Fusion(half.name, .maximum, weights: .equal, base: 1, schedule: half.schedule)),
            members[0].indices.map { 0.5 * logs[1][$0] + 0.5 * union[$0] },
            "half a union"
        )
    }

    // MARK: Gates

    @Test("gates open where their definitions say so")
    func gates() throws {
        let p = logs.map { $0.map { exp($0) } }
        let entropy = -logs[0].reduce(0) { $0 + exp($1) * $1 }
        let confidence = p[0].max()!
        let fisher = 1 - p[0].reduce(0) { $0 + $1 * $1 }
        let distance = zip(p[0], p[1]).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
        let learned = LearnedGate(
            features: [.entropy, .margin, .position],
            coefficients: [1, 1, 1],
            intercept: 0
        )
        let sorted = p[0].sorted(by: >)
        let sum = entropy + sorted[0] - sorted[1] + log(1 + 5)
        func gate(above level: Double) -> LearnedGate {
            var gate = learned
            gate.threshold = 1 / (1 + exp(-level))
            return gate
        }
        let fusion = Fusion("f", .logLinear, weights: .asWritten([0.3, 0.7]), base: 0)
        let open = FusionReference.logLinear(Array(members[..<2]), [0.3, 0.7])
        for (below, above): (Fusion.Gate, Fusion.Gate) in [
            (.entropy(above: entropy - 1e-3), .entropy(above: entropy + 1e-3)),
            (.confidence(below: confidence + 1e-4), .confidence(below: confidence - 1e-4)),
            (.fisher(above: fisher - 1e-4), .fisher(above: fisher + 1e-4)),
            (.disagreement(above: distance - 1e-4), .disagreement(above: distance + 1e-4)),
            (.learned(gate(above: sum - 1e-3)), .learned(gate(above: sum + 1e-3))),
        ] {
            let moment = FusionMoment(written: 5)
            expect(try logprobs(fusion.gated(by: below), at: moment), open, "\(below) is open")
            expect(try logprobs(fusion.gated(by: above), at: moment), members[0], "\(above) is closed")
        }
    }

    // MARK: What is refused

    @Test("rules that make no sense are refused with the reason")
    func refusals() {
        let cases: [(Fusion, Int, String)] = [
            (Fusion.union.scheduled(.first(-1)), 2, "lasts for -1 tokens"),
            (Fusion.union.scheduled(.steps([])), 2, "no strengths"),
            (Fusion.union.scheduled(.ramp(from: 0, to: 1, over: 0)), 2, "over 0 tokens"),
            (Fusion.union.scheduled(.decay(halfLife: 0)), 2, "half-life"),
            (Fusion.mixture.gated(by: .entropy(above: .nan)), 2, "NaN"),
            (Fusion("f", .maximum, weights: .asWritten([1, 2])), 2, "equal weights"),
            (Fusion("f", .classConditional, weights: .asWritten([1, 2, 2]), base: 0), 3, "negative weight"),
            (Fusion("f", .classConditional, weights: .asWritten([2, 2, -2]), base: 0), 3, "instead of 1"),
            (Fusion("f", .classConditional, weights: .asWritten([1, 2, -3]), base: 0), 3, "different sizes"),
            (Fusion("f", .logLinear, weights: .posterior([1, 1])), 2, "mix probabilities"),
            (Fusion("f", .logLinear, weights: .byEntropy(temperature: 0)), 2, "temperature of 0"),
            (Fusion("f", .logLinear, weights: .equal, base: 2), 2, "does not exist"),
            (Fusion.mixture.masked(by: .sharedTop(0)), 2, "least is 1"),
            (
                Fusion.mixture.gated(
                    by: .learned(LearnedGate(features: [.entropy], coefficients: [], intercept: 0))
                ), 2, "coefficients"
            ),
        ]
        for (fusion, count, reason) in cases {
            let error = #expect(throws: CollabError.self) { try FusionPlan(fusion, memberCount: count) }
            #expect(error?.code == .invalidRequest)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "") lacks “\(reason)”")
        }
    }
}
