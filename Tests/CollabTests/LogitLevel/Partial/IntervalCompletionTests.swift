import CollabTesting
import Testing

@testable import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the lists leave open is filled in many ways, the extreme ones among them, and fused as a whole.
@Suite("Fusing what is known of distributions, against all that it may be a part of")
struct IntervalCompletionTests {
    /// A distribution, and how many of its most probable tokens are listed.
    private struct Member {
        var whole: [Double]
        var order: [Int]
        var count: Int
        var distribution: PartialDistribution {
            let entries = order.prefix(count).map {
                PartialDistribution.Entry(bytes: [UInt8($0)], logprob: log(whole[$0]))
            }
            return PartialDistribution(entries, isWhole: count == whole.count)
        }

        init(_ size: Int, _ count: Int, _ generator: inout SeededGenerator) {
            let sharpness = 6 * generator.nextUnit()
            let weights = (0..<size).map { _ in exp(sharpness * generator.nextUnit()) }
            whole = weights.map { $0 / weights.reduce(0, +) }
            let known = whole
            order = (0..<size).sorted { (-known[$0], $0) < (-known[$1], $1) }
            self.count = count
        }

        /// Another distribution of which the same is listed: what is left goes to tokens in some order, to each as much as
        /// it can have. A little of it goes to all, since no token is impossible.
        func completed(_ generator: inout SeededGenerator) -> [Double] {
            let rest = Array(order.dropFirst(count))
            guard !rest.isEmpty else { return whole }
            let mass = rest.reduce(0) { $0 + whole[$1] }
            let most = whole[order[count - 1]]
            var extreme = whole
            var left = mass
            for token in rest.shuffled(using: &generator) {
                extreme[token] = min(most, left)
                left -= extreme[token]
            }
            let share = [0, 0, 0.3, 0.8][Int(generator.next() % 4)]
            for token in rest {
                let mixed = (1 - share) * extreme[token] + share * whole[token]
                extreme[token] = 0.999_999 * mixed + 1e-6 * mass / Double(rest.count)
            }
            return extreme
        }
    }

    /// The rule, applied to whole distributions.
    private static func fused(_ members: [[Double]], _ plan: FusionPlan) -> [Double] {
        var scores = members[0].indices.map { token in
            let parts = members.indices.map { (plan.weights[$0], members[$0][token]) }
            return plan.combination == .linear
                ? parts.reduce(0) { $0 + $1.0 * $1.1 } : exp(parts.reduce(0) { $0 + $1.0 * log($1.1) })
        }
        if case .plausibility(let alpha, .member(let base)) = plan.mask {
            let least = alpha * (members[base].max() ?? 0) * (1 - 1e-12)
            for token in scores.indices where members[base][token] < least { scores[token] = 0 }
        }
        let sum = scores.reduce(0, +)
        return scores.map { $0 / sum }
    }

    private static func distance(_ step: IntervalFusion.Step, _ whole: [Double]) -> Double {
        let sum = step.scores.reduce(0) { $0 + exp($1.logprob) }
        var written = [Double](repeating: 0, count: whole.count)
        for score in step.scores { written[Int(score.bytes[0])] = exp(score.logprob) / sum }
        return zip(written, whole).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
    }

    private static let rules: [(Fusion, Int)] = [
        (.mixture, 2), (.mixture(weights: [3, 1, 1]), 3), (.productOfExperts, 2),
        (.productOfExperts(weights: [1, 1]), 2), (.productOfExperts(weights: [0.5, 0.3, 0.4]), 3),
        (.contrastive(), 2), (.contextAware(alpha: 0.5), 2), (.dexperts(strength: 1), 3),
        (Fusion.logLinear(weights: [1, 0.5, -0.5]).masked(by: .plausibility(alpha: 0.3, of: .member(0))), 3),
        (Fusion.mixture.masked(by: .plausibility(alpha: 0.2, of: .member(1))), 2),
        (Fusion.productOfExperts.masked(by: .plausibility(alpha: 0.3, of: .member(0))), 2),
        (Fusion.productOfExperts(weights: [1, 1]).masked(by: .plausibility(alpha: 0.5, of: .member(1))), 2),
    ]

    @Test("no completion is further away than the bound, or has another favourite than the certain one")
    func worstCases() throws {
        var generator = SeededGenerator(seed: 4)
        for (fusion, memberCount) in Self.rules {
            let rule = try IntervalFusion(fusion, memberCount: memberCount)
            let plan = try FusionPlan(fusion, memberCount: memberCount)
            var (certain, bounded, closest) = (0, 0, 0.0)
            for _ in 0..<300 {
                let size = 5 + Int(generator.next() % 6)
                let members = (0..<memberCount).map { _ in
                    Member(size, 1 + Int(generator.next() % UInt64(size)), &generator)
                }
                guard let step = try? rule.fuse(members.map(\.distribution)) else { continue }
                let favourite = Int(step.scores[0].bytes[0])
                let bound: Double? =
                    switch step.certainty {
                    case .exact: 2e-6
                    case .bounded(let bound): bound
                    case .approximate: nil
                    }
                certain += step.isFavouriteCertain ? 1 : 0
                if case .bounded(let bound) = step.certainty, bound < 1 { bounded += 1 }
                for _ in 0..<25 {
                    let whole = Self.fused(members.map { $0.completed(&generator) }, plan)
                    if step.isFavouriteCertain {
                        let best = whole.max() ?? 0
                        #expect(whole[favourite] >= best * (1 - 1e-5), "\(fusion.name): \(whole)")
                    }
                    if let bound {
                        let distance = Self.distance(step, whole)
                        #expect(distance <= bound + 1e-6, "\(fusion.name): \(distance) > \(bound)")
                        if bound > 0.01 { closest = max(closest, distance / bound) }
                    }
                }
            }
            #expect(certain > 5, "\(fusion.name): \(certain) certain")
            // A contrast of two is exact or has no bound.
            guard plan.weights.count(where: { $0 > 0 }) > 1 else { continue }
            // The bounds are no more than they have to be by far.
            #expect(bounded > 5 && closest > 0.4, "\(fusion.name): \(bounded) bounded, \(closest)")
        }
    }

    @Test("a list that sums to 1 leaves a subtracted member no infinite preference")
    func rounding() throws {
        let rule = try IntervalFusion(.contrastive(), memberCount: 2)
        let expert = PartialDistribution([
            .init(bytes: [1], logprob: log(0.6)), .init(bytes: [2], logprob: log(0.38)),
            .init(bytes: [3], logprob: log(0.02)),
        ])
        let amateur = PartialDistribution([
            .init(bytes: [1], logprob: log(0.7)), .init(bytes: [3], logprob: log(0.300_000_1)),
        ])
        #expect(amateur.unseenMass > 0 && amateur.unseenBound > 0)
        let step = try rule.fuse([expert, amateur])
        #expect(step.scores.allSatisfy { $0.logprob.isFinite } && step.scores.count == 2)
        #expect(step.certainty == .approximate && !step.isFavouriteCertain)
        // What a whole list leaves out is impossible, for the fusion too.
        let whole = PartialDistribution([.init(bytes: [1], logprob: 0)], isWhole: true)
        #expect(try rule.fuse([expert, whole]).scores.map(\.bytes) == [[1]])
    }

    @Test("by hand: of a masked product, what one member does not list counts as open")
    func masked() throws {
        let fusion = Fusion.productOfExperts(weights: [1, 1])
            .masked(by: .plausibility(alpha: 0.1, of: .member(0)))
        let rule = try IntervalFusion(fusion, memberCount: 2)
        func member(_ values: [Double]) -> PartialDistribution {
            PartialDistribution(values.enumerated().map { .init(bytes: [UInt8($0)], logprob: log($1)) })
        }
        let step = try rule.fuse([member([0.6, 0.3, 0.05, 0.04]), member([0.8])])
        // 0.48 is known, and at most 0.3 · 0.2 is open.
        #expect(step.scores.map(\.bytes) == [[0]] && step.isFavouriteCertain)
        guard case .bounded(let bound) = step.certainty else {
            Issue.record("\(step.certainty)")
            return
        }
        #expect(abs(bound - 0.06 / (0.48 + 0.06)) < 1e-9)
        #expect(step.missing == [[], [[1]]])
    }
}
