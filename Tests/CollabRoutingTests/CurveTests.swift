import Collab
import CollabRouting
import Foundation
import Testing

@Suite("The curve of strong calls")
struct StrongShareCurveTests {
    @Test("of four questions is what a hand computes")
    func byHand() throws {
        // Order by score: gains 1, 0, −1, 1; weak 0 + 1 + 1 + 0 = 2 of 4, strong 1 + 1 + 0 + 1 = 3 of 4.
        let curve = StrongShareCurve(
            scores: [0.9, 0.8, 0.3, 0.1],
            weak: [0, 1, 1, 0],
            strong: [1, 1, 0, 1]
        )
        #expect(curve.qualities == [0.5, 0.75, 0.75, 0.5, 0.75])
        // Trapezoids: (0.625 + 0.75 + 0.625 + 0.625) / 4 = 0.65625; (0.65625 − 0.5) / 0.25 = 0.625.
        #expect(curve.averageGapRecovered() == 0.625)
        #expect(curve.strongShare(recovering: 0.5) == 0.25)
        #expect(curve.strongShare(recovering: 1) == 0.25)
        #expect(curve.strongShare(recovering: 1.1) == nil)
    }

    @Test("takes tied questions in random order")
    func ties() {
        let weak: [Double] = [0, 1, 0, 0], strong: [Double] = [1, 1, 0, 1]
        let tied = StrongShareCurve(scores: [1, 1, 1, 0], weak: weak, strong: strong)
        // Three tied questions gain 1 together: a third each in expectation.
        let thirds = [1.0, 4.0 / 3, 5.0 / 3, 2, 3].map { $0 / 4 }
        for (found, expected) in zip(tied.qualities, thirds) { #expect(abs(found - expected) < 1e-15) }
        // The mean over all six orders of the tied ones is the same curve.
        var sums = [Double](repeating: 0, count: 5)
        for order in [[3, 2, 1], [3, 1, 2], [2, 3, 1], [2, 1, 3], [1, 3, 2], [1, 2, 3]] {
            let broken = StrongShareCurve(
                scores: order.map(Double.init) + [0],
                weak: weak,
                strong: strong
            )
            for place in sums.indices { sums[place] += broken.qualities[place] / 6 }
        }
        for (mean, expected) in zip(sums, tied.qualities) { #expect(abs(mean - expected) < 1e-15) }
    }

    @Test("of a scoring without knowledge lies about one half")
    func chance() {
        let weak = (0..<400).map { Double($0 % 5 == 0 ? 0 : 1) }
        let strong = weak.map { _ in 1.0 }
        let band = StrongShareCurve.randomBand(weak: weak, strong: strong, draws: 100)
        #expect(abs(band.estimate - 0.5) < 0.02)
        #expect(band.lower < 0.48 && band.upper > 0.52)
        let indifferent = StrongShareCurve(scores: weak.map { _ in 7 }, weak: weak, strong: strong)
        #expect(abs(indifferent.averageGapRecovered() - 0.5) < 1e-12)
        let oracle = StrongShareCurve.oracle(weak: weak, strong: strong)
        #expect(oracle.strongShare(recovering: 1) == 0.2)
    }

    @Test("gets an interval around its figures, the same for the same seed")
    func intervals() {
        var generator = SeededGenerator(seed: 3)
        let weak = (0..<300).map { _ in generator.nextUnit() < 0.6 ? 1.0 : 0 }
        let strong = (0..<300).map { _ in generator.nextUnit() < 0.8 ? 1.0 : 0 }
        let scores = (0..<300).map { generator.nextUnit() - 0.4 * weak[$0] }
        let a = StrongShareCurve.figures(scores: scores, weak: weak, strong: strong, resamples: 100, seed: 1)
        let b = StrongShareCurve.figures(scores: scores, weak: weak, strong: strong, resamples: 100, seed: 1)
        #expect(a == b)
        let curve = StrongShareCurve(scores: scores, weak: weak, strong: strong)
        #expect(a.averageGapRecovered.estimate == curve.averageGapRecovered(.tenths))
        #expect(a.averageGapRecovered.lower < a.averageGapRecovered.estimate)
        #expect(a.averageGapRecovered.upper > a.averageGapRecovered.estimate)
        #expect(
            a.shareForHalf.lower...a.shareForHalf.upper ~= curve.strongShare(recovering: 0.5, .tenths) ?? .nan
        )
    }

    struct Golden: Decodable {
        var set: String
        var score: String
        var weak_acc: Double
        var strong_acc: Double
        var APGR: Double
        var CPT20: Double
        var CPT50: Double
        var CPT80: Double
        var APGRx: Double
        var CPT50x: Double
        var CPT80x: Double
    }

    @Test(
        "agrees with figures that another implementation computed on real answers",
        .enabled(if: RoutingFolder.path != nil, "set COLLAB_DATA to a folder with api/golden_metrics.json")
    )
    func goldens() throws {
        struct File: Decodable { var golden: [Golden] }
        let folder = try #require(RoutingFolder.path)
        let file = try Data(contentsOf: URL(fileURLWithPath: folder + "/golden_metrics.json"))
        let goldens = try JSONDecoder().decode(File.self, from: file).golden
        #expect(goldens.count == 4)
        for golden in goldens {
            let rows = try RoutingFolder.rows("routellm_\(golden.set)").filter { $0.contaminated == 0 }
            let scores = rows.enumerated().map { index, row in
                golden.score.hasPrefix("permutation")
                    ? Double(index * 7919 % rows.count) / Double(rows.count)
                    : Double(row.prompt.utf8.count) + Double(index) * 1e-6
            }
            let curve = StrongShareCurve(
                scores: scores,
                weak: rows.map(\.weak),
                strong: rows.map(\.strong)
            )
            func expect(_ found: Double?, _ expected: Double, _ what: String) {
                #expect(
                    found.map { abs($0 - expected) < 1e-11 } == true,
                    "\(golden.set) \(what): \(found ?? .nan)"
                )
            }
            expect(curve.weakQuality * 100, golden.weak_acc, "weak")
            expect(curve.strongQuality * 100, golden.strong_acc, "strong")
            expect(curve.averageGapRecovered(.tenths), golden.APGR, "APGR")
            expect(curve.strongShare(recovering: 0.2, .tenths).map { $0 * 100 }, golden.CPT20, "CPT20")
            expect(curve.strongShare(recovering: 0.5, .tenths).map { $0 * 100 }, golden.CPT50, "CPT50")
            expect(curve.strongShare(recovering: 0.8, .tenths).map { $0 * 100 }, golden.CPT80, "CPT80")
            expect(curve.averageGapRecovered(.exact), golden.APGRx, "APGR, exact")
            expect(curve.strongShare(recovering: 0.5).map { $0 * 100 }, golden.CPT50x, "CPT50, exact")
            expect(curve.strongShare(recovering: 0.8).map { $0 * 100 }, golden.CPT80x, "CPT80, exact")
        }
    }
}

@Suite("The curve of cost and quality")
struct CostQualityCurveTests {
    @Test("is the hull over what mixing by chance reaches")
    func hull() throws {
        let curve = CostQualityCurve([
            .init(cost: 1, quality: 0.4), .init(cost: 2, quality: 0.45), .init(cost: 3, quality: 0.8),
            .init(cost: 4, quality: 0.7), .init(cost: 2, quality: .nan),
        ])
        #expect(curve.hull == [.init(cost: 1, quality: 0.4), .init(cost: 3, quality: 0.8)])
        #expect(curve.quality(at: 0.5) == nil)
        #expect(try abs(#require(curve.quality(at: 2)) - 0.6) < 1e-15)
        #expect(curve.quality(at: 9) == 0.8)
        // From 1 to 3 a mean of 0.6, from 3 to 4 of 0.8: (2 · 0.6 + 1 · 0.8) ∕ 3.
        #expect(abs(curve.averageQuality(over: 1...4) - 2.0 / 3) < 1e-15)
        #expect(curve.averageQuality(over: 0...4).isNaN)
        #expect(CostQualityCurve([]).averageQuality(over: 0...1).isNaN)
    }

    @Test("of the zero router mixes single models")
    func zero() {
        let curve = CostQualityCurve.zeroRouter(
            qualities: Table([[1, 0, 1], [0, 0, 1], [.nan, 1, 1]]),
            costs: [1, 2, 5]
        )
        #expect(curve.points.map(\.quality).map { Float($0) } == [0.5, 1.0 / 3, 1])
        #expect(curve.hull.map(\.cost) == [1, 5])
    }
}
