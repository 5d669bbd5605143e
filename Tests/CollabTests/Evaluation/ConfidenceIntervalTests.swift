import Collab
import Testing

@Suite("A confidence interval")
struct ConfidenceIntervalTests {
    // The reference: scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson").
    @Test(
        "of a share is Wilson's",
        arguments: [
            (0, 10, 0.95, 0.0, 0.27753279986288926),
            (10, 10, 0.95, 0.7224672001371109, 1.0),
            (7, 10, 0.95, 0.39677814746114526, 0.892208732593699),
            (50, 100, 0.9, 0.41884779611252954, 0.5811522038874705),
            (123, 1000, 0.99, 0.09870483697890284, 0.1522649013582659),
            (1, 3, 0.5, 0.18281725015861316, 0.5277418231406089),
        ] as [(Int, Int, Double, Double, Double)]
    )
    func wilson(successes: Int, trials: Int, level: Double, lower: Double, upper: Double) {
        let interval = ConfidenceInterval.share(of: successes, in: trials, level: level)
        #expect(abs(interval.lower - lower) < 1e-9)
        #expect(abs(interval.upper - upper) < 1e-9)
    }

    @Test("of no trials says nothing")
    func nothing() {
        let interval = ConfidenceInterval.share(of: 0, in: 0)
        #expect(interval.estimate.isNaN)
        #expect((interval.lower, interval.upper) == (0, 1))
    }

    @Test("by drawing again is the same for the same seed, and holds the mean about as often as it says")
    func bootstrap() {
        var generator = SeededGenerator(seed: 7)
        var hits = 0
        for seed in 0..<200 {
            let sample = (0..<60).map { _ in generator.nextUnit() }
            let interval = ConfidenceInterval.bootstrap(count: 60, resamples: 300, seed: UInt64(seed)) {
                places in
                places.reduce(0) { $0 + sample[$1] } / Double(places.count)
            }
            if interval.lower <= 0.5, interval.upper >= 0.5 { hits += 1 }
            if seed == 0 {
                let again = ConfidenceInterval.bootstrap(count: 60, resamples: 300, seed: 0) { places in
                    places.reduce(0) { $0 + sample[$1] } / Double(places.count)
                }
                #expect(again == interval)
            }
        }
        #expect((180...198).contains(hits))
    }

    @Test("of one item or none has no width")
    func narrow() {
        let interval = ConfidenceInterval.bootstrap(count: 1) { _ in 3 }
        #expect((interval.estimate, interval.lower, interval.upper) == (3, 3, 3))
    }
}
