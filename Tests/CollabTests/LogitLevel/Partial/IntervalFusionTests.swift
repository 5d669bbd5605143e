import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The reference is the fusion of the whole distributions, which the rule never sees.
@Suite("Fusing what is known of distributions, against the fusion of the whole ones")
struct IntervalFusionTests {
    /// Members that agree roughly, over a vocabulary small enough to look at all of it.
    private static func members(_ count: Int, _ generator: inout SeededGenerator) -> [[Double]] {
        let sharpness = 1 + 5 * generator.nextUnit()
        let common = (0..<30).map { _ in generator.nextUnit() }
        return (0..<count).map { _ in
            FusionReference.logSoftmax(common.map { sharpness * ($0 + 0.6 * generator.nextUnit()) })
        }
    }

    private static func listed(_ logprobs: [Double], _ count: Int) -> PartialDistribution {
        let top = logprobs.indices.sorted { (-logprobs[$0], $0) < (-logprobs[$1], $1) }.prefix(count)
        return PartialDistribution(
            top.map { PartialDistribution.Entry(bytes: [UInt8($0)], logprob: logprobs[$0]) },
            isWhole: count >= logprobs.count
        )
    }

    private static func whole(_ members: [[Double]], _ plan: FusionPlan) throws -> [Double] {
        let step = try plan.fuse(
            members.map { Logits($0.map { Float($0) }) },
            names: members.indices.map { "\($0)" }
        )
        return FusionReference.logSoftmax(step.logits.values.map { Double($0) }).map { exp($0) }
    }

    private static func distance(_ scores: [PartialDistribution.Entry], _ whole: [Double]) -> Double {
        let sum = scores.reduce(0) { $0 + exp($1.logprob) }
        var rest = whole
        var distance = 0.0
        for score in scores {
            let place = Int(score.bytes[0])
            distance += abs(exp(score.logprob) / sum - whole[place])
            rest[place] = 0
        }
        return (distance + rest.reduce(0, +)) / 2
    }

    @Test("what is said to be certain is, and no distribution is further away than its bound")
    func certificates() throws {
        var generator = SeededGenerator(seed: 21)
        let rules: [(Fusion, Int)] = [
            (.mixture, 2), (.mixture(weights: [3, 1, 1]), 3), (.productOfExperts, 2),
            (.productOfExperts(weights: [1, 1]), 2), (.productOfExperts(weights: [0.5, 0.3, 0.4]), 3),
            (.contrastive(), 2), (.dexperts(strength: 1), 3),
            (Fusion.mixture.masked(by: .plausibility(alpha: 0.2, of: .member(1))), 2),
        ]
        for (fusion, count) in rules {
            let rule = try IntervalFusion(fusion, memberCount: count)
            let plan = try FusionPlan(fusion, memberCount: count)
            var (exact, certain, tight) = (0, 0, 0)
            for round in 0..<300 {
                let members = Self.members(count, &generator)
                let known = [1, 3, 5, 10, 20, 30][round % 6]
                guard let step = try? rule.fuse(members.map { Self.listed($0, known) }) else {
                    #expect(known < 10, "nothing is shared by lists of \(known)")
                    continue
                }
                let whole = try Self.whole(members, plan)
                let best = whole.indices.max { whole[$0] < whole[$1] }
                if step.isFavouriteCertain {
                    certain += 1
                    #expect(Int(step.scores[0].bytes[0]) == best, "\(fusion), \(known) listed")
                }
                let distance = Self.distance(step.scores, whole)
                switch step.certainty {
                case .exact:
                    exact += 1
                    #expect(distance < 1e-5, "\(fusion), \(known) listed")
                case .bounded(let bound):
                    #expect(distance <= bound + 1e-6, "\(fusion), \(known) listed: \(distance) > \(bound)")
                    if bound < 0.2 { tight += 1 }
                case .approximate: break
                }
                if known == 30 { #expect(step.certainty == .exact && step.isFavouriteCertain) }
            }
            // With a negative weight nothing is certain before the plausible tokens are all listed.
            let isContrast = plan.weights.contains { $0 < 0 }
            #expect(
                exact >= 50 && certain > (isContrast ? 60 : 80),
                "\(fusion): \(exact) exact, \(certain) certain"
            )
            if !isContrast, plan.mask == .none {
                #expect(tight > 10, "\(fusion)")
            }
        }
    }

    @Test("by hand: a mixture of two members that list one token each")
    func hand() throws {
        let rule = try IntervalFusion(.mixture, memberCount: 2)
        let step = try rule.fuse([
            PartialDistribution([.init(bytes: [1], logprob: log(0.6))]),
            PartialDistribution([.init(bytes: [2], logprob: log(0.9))]),
        ])
        // 0.45 against 0.3: the second member's 0.1 could all be on the other token, which is 0.35 then.
        #expect(step.scores.map(\.bytes) == [[2], [1]])
        #expect(step.isFavouriteCertain)
        guard case .bounded(let bound) = step.certainty else {
            Issue.record("\(step.certainty)")
            return
        }
        #expect(abs(bound - (0.5 * 0.4 + 0.5 * 0.1)) < 1e-12)
    }

    @Test(
        "an amateur that does not list a plausible token makes the result approximate, and says which it is"
    )
    func approximate() throws {
        let rule = try IntervalFusion(.contrastive(), memberCount: 2)
        let expert = PartialDistribution([
            .init(bytes: [1], logprob: log(0.5)), .init(bytes: [2], logprob: log(0.4)),
            .init(bytes: [3], logprob: log(0.04)),
        ])
        let amateur = PartialDistribution([.init(bytes: [1], logprob: log(0.7))])
        let step = try rule.fuse([expert, amateur])
        #expect(step.certainty == .approximate)
        #expect(!step.isFavouriteCertain)
        #expect(step.missing == [[], [[2]]])
        // The amateur is taken to give all that is left to the second token: a lower end of the contrast.
        let second = try #require(step.scores.first { $0.bytes == [2] })
        #expect(abs(second.logprob - (1.5 * log(0.4) - 0.5 * log(0.3))) < 1e-12)
    }

    @Test("rules that cannot be bounded are refused with the reason")
    func refusals() {
        let cases: [(Fusion, Int, String)] = [
            (.union, 2, "neither"), (.packLLM(), 2, "token to token"),
            (Fusion.mixture.gated(by: .entropy(above: 1)), 2, "token to token"),
            (Fusion.contrastive().masked(by: .none), 2, "no mask"),
            (.productOfExperts(weights: [0.3, 0.3]), 2, "less than 1"),
            (Fusion.mixture.masked(by: .sharedTop(3)), 2, "more than one member"),
            (Fusion.contrastive().masked(by: .plausibility(alpha: 0.1, of: .member(1))), 2, "not positive"),
        ]
        for (fusion, count, reason) in cases {
            let error = #expect(throws: CollabError.self) { try IntervalFusion(fusion, memberCount: count) }
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test("tokens of equal bytes are one, and what is not listed is bounded")
    func distributions() {
        let known = PartialDistribution([
            .init(bytes: [1], logprob: log(0.3)), .init(bytes: [1], logprob: log(0.2)),
            .init(bytes: [], logprob: log(0.1)),
        ])
        #expect(abs(exp(known.logprob(of: [1]) ?? 0) - 0.5) < 1e-12)
        #expect(abs(known.unseenMass - 0.4) < 1e-12 && abs(known.unseenBound - 0.1) < 1e-12)
        #expect(known.entries.map(\.bytes) == [[1], []])
        let whole = PartialDistribution([.init(bytes: [1], logprob: 0)], isWhole: true)
        #expect(whole.unseenMass == 0 && whole.unseenBound == 0)
    }
}
