import Collab
import Testing

@Suite("Calibration of scores")
struct CalibrationTests {
    typealias Goldens = CalibrationGoldens

    private let outcomes = zip(Goldens.scores, Goldens.right).map {
        ScoredOutcome(score: $0, quality: Double($1))
    }

    private func expectEqual(_ calibration: ScoreCalibration, _ golden: [Double], within tolerance: Double) {
        for (probe, expected) in zip(Goldens.probes, golden) {
            let value = calibration.probability(of: probe)
            #expect(abs(value - expected) < tolerance, "at \(probe): \(value), not \(expected)")
        }
    }

    @Test("Platt scaling is scikit-learn's")
    func platt() throws {
        expectEqual(try .plattFitted(to: outcomes), Goldens.platt, within: 1e-5)
    }

    @Test("Platt scaling does not depend on the scale of the scores")
    func plattScale() throws {
        let stretched = outcomes.map { ScoredOutcome(score: $0.score * 1e6 - 3e5, quality: $0.quality) }
        let (one, other) = try (
            ScoreCalibration.plattFitted(to: outcomes), ScoreCalibration.plattFitted(to: stretched)
        )
        for probe in Goldens.probes {
            let difference = one.probability(of: probe) - other.probability(of: probe * 1e6 - 3e5)
            #expect(abs(difference) < 1e-7)
        }
    }

    @Test("Platt scaling of separable outcomes stays finite and short of certainty")
    func separable() throws {
        let outcomes = [0.1, 0.2, 0.8, 0.9].map { ScoredOutcome(score: $0, wasRight: $0 > 0.5) }
        let calibration = try ScoreCalibration.plattFitted(to: outcomes)
        #expect((0.5..<0.999).contains(calibration.probability(of: 0.9)))
        // With one score there is no slope to learn, and the targets' mean is all that is known.
        let level = try ScoreCalibration.plattFitted(to: [ScoredOutcome(score: 3, wasRight: true)])
        #expect(abs(level.probability(of: 3) - 2.0 / 3) < 1e-6)
    }

    @Test("The isotonic curve is scikit-learn's, and never falls")
    func isotonic() throws {
        let calibration = try ScoreCalibration.isotonicFitted(to: outcomes)
        expectEqual(calibration, Goldens.isotonic, within: 1e-12)
        let values = (0...1000).map { calibration.probability(of: Double($0) / 1000) }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("The temperature is the one that minimises the loss (scipy)")
    func temperature() throws {
        guard case .temperature(let value) = try ScoreCalibration.temperatureFitted(to: outcomes) else {
            Issue.record("no temperature")
            return
        }
        #expect(abs(value - Goldens.temperature) < 1e-6)
    }

    @Test("No temperature is made up for scores that rank the wrong way round, or are always right")
    func noTemperature() {
        let wrongWay = (1...20).map { ScoredOutcome(score: Double($0) / 21, wasRight: $0 <= 10) }
        let always = (11...20).map { ScoredOutcome(score: Double($0) / 21, wasRight: true) }
        for outcomes in [wrongWay, always] {
            let error = #expect(throws: CollabError.self) {
                try ScoreCalibration.temperatureFitted(to: outcomes)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("Calibration error, Brier score and the area under the curve are numpy's and scikit-learn's")
    func quality() throws {
        let quality = try CalibrationQuality(of: outcomes)
        #expect(abs(quality.expectedCalibrationError - Goldens.expectedCalibrationError) < 1e-12)
        #expect(abs(quality.brierScore - Goldens.brierScore) < 1e-12)
        #expect(abs(try #require(quality.areaUnderROC) - Goldens.areaUnderROC) < 1e-12)
        #expect(quality.bins.reduce(0) { $0 + $1.count } == outcomes.count)
    }

    @Test("Calibrating lowers the calibration error")
    func improves() throws {
        let before = try CalibrationQuality(of: outcomes)
        for calibration in try [
            ScoreCalibration.plattFitted(to: outcomes), .isotonicFitted(to: outcomes),
            .temperatureFitted(to: outcomes),
        ] {
            let after = try CalibrationQuality(of: calibration.applied(to: outcomes))
            #expect(after.expectedCalibrationError < before.expectedCalibrationError)
            #expect(after.brierScore < before.brierScore)
        }
    }

    @Test("Ranks with ties count half")
    func ties() {
        let outcomes = [(0.5, true), (0.5, false), (0.7, true), (0.2, false)].map {
            ScoredOutcome(score: $0.0, wasRight: $0.1)
        }
        #expect(CalibrationQuality.areaUnderROC(of: outcomes) == 3.5 / 4)
        #expect(CalibrationQuality.areaUnderROC(of: [outcomes[0]]) == nil)
    }

    @Test("Exact bounds are scipy's", arguments: Goldens.bounds)
    func bounds(events: Int, trials: Int, delta: Double, upper: Double, lower: Double) {
        #expect(abs(BinomialBound.upper(events: events, trials: trials, delta: delta) - upper) < 1e-12)
        #expect(abs(BinomialBound.lower(events: events, trials: trials, delta: delta) - lower) < 1e-12)
    }

    @Test("Bounds at the edges promise nothing that is not known")
    func edges() {
        #expect(BinomialBound.upper(events: 0, trials: 0, delta: 0.1) == 1)
        #expect(BinomialBound.upper(events: 5, trials: 5, delta: 0.1) == 1)
        #expect(BinomialBound.upper(events: 1, trials: 5, delta: 0) == 1)
        #expect(BinomialBound.lower(events: 0, trials: 5, delta: 0.1) == 0)
        // (1 - p)^n = delta.
        #expect(abs(BinomialBound.upper(events: 0, trials: 3, delta: 0.125) - 0.5) < 1e-12)
    }

    @Test("Nothing is learned from nothing, from infinities, or from qualities that are none")
    func refusals() {
        for bad in [
            [], [ScoredOutcome(score: .nan, quality: 1)], [ScoredOutcome(score: 1, quality: 2)],
        ] {
            #expect(throws: CollabError.self) { try ScoreCalibration.plattFitted(to: bad) }
            #expect(throws: CollabError.self) { try ScoreCalibration.isotonicFitted(to: bad) }
            #expect(throws: CollabError.self) { try ScoreCalibration.temperatureFitted(to: bad) }
            #expect(throws: CollabError.self) { try CalibrationQuality(of: bad) }
            #expect(throws: CollabError.self) {
                try CalibratedThreshold.keepingRisk(below: 0.1, failingAtMost: 0.1, on: bad)
            }
        }
    }
}

@Suite("A threshold chosen on outcomes")
struct CalibratedThresholdTests {
    /// Scores that tell something: an answer is wrong with probability 0.4 · (1 − score), so of those above t a share of
    /// 0.2 · (1 − t) is.
    private func outcomes(_ count: Int, _ random: inout SeededGenerator) -> [ScoredOutcome] {
        (0..<count).map { _ in
            let score = random.nextUnit()
            return ScoredOutcome(score: score, wasRight: random.nextUnit() >= 0.4 * (1 - score))
        }
    }

    @Test("lets the share pass that it is meant to, and never more", arguments: [0, 0.1, 1.0 / 3, 0.5, 1])
    func share(target: Double) throws {
        let scores = (0..<30).map { Double($0) }
        let threshold = try CalibratedThreshold.passing(share: target, of: scores)
        #expect(abs(threshold.acceptedShare - target) < 1e-12)
        #expect(Double(scores.count { threshold.accepts($0) }) / 30 == threshold.acceptedShare)
        // RouteLLM's quantile bins fail where scores tie: here all pass or none.
        let tied = try CalibratedThreshold.passing(share: target, of: Array(repeating: 0.5, count: 30))
        #expect(tied.acceptedShare == (target == 1 ? 1 : 0))
        #expect(tied.accepts(0.5) == (target == 1))
    }

    @Test("keeps its promise over repeated splits, where the one that only looks good does not")
    func guarantee() throws {
        var random = SeededGenerator(seed: 11)
        let (risk, delta) = (0.1, 0.1)
        var violations = (calibrated: 0, everyThreshold: 0, observed: 0)
        var accepted = 0.0
        for _ in 0..<400 {
            let sample = outcomes(600, &random)
            func isViolated(_ threshold: CalibratedThreshold) -> Bool {
                guard let value = threshold.value else { return false }
                return 0.2 * (1 - max(value, 0)) > risk
            }
            let safe = try CalibratedThreshold.keepingRisk(
                below: risk,
                failingAtMost: delta,
                on: sample
            )
            let each = try CalibratedThreshold.keepingRisk(
                below: risk,
                failingAtMost: delta,
                on: sample,
                test: .everyThreshold
            )
            let lucky = try CalibratedThreshold.observingRisk(below: risk, on: sample)
            if isViolated(safe) { violations.calibrated += 1 }
            if isViolated(each) { violations.everyThreshold += 1 }
            if isViolated(lucky) { violations.observed += 1 }
            accepted += safe.acceptedShare
        }
        #expect(Double(violations.calibrated) / 400 <= delta)
        #expect(Double(violations.everyThreshold) / 400 <= delta)
        #expect(Double(violations.observed) / 400 > 2 * delta)
        #expect(accepted / 400 > 0.25)
    }

    @Test("accepts nothing if nothing can be trusted")
    func nothing() async throws {
        let wrong = (0..<50).map { ScoredOutcome(score: Double($0), wasRight: false) }
        let threshold = try CalibratedThreshold.keepingRisk(below: 0.1, failingAtMost: 0.1, on: wrong)
        #expect(threshold.value == nil)
        #expect(threshold.acceptedShare == 0)
        #expect(!threshold.accepts(.infinity))
        let rule = Acceptance.confidence(.measured("sure") { _ in 1 }, above: threshold)
        let verdict = try await rule.judge(
            .init(request: "?", response: Response(text: "1", model: "m"), model: ScriptedStub())
        )
        #expect(!verdict.isAccepted)
    }

    @Test("accepts everything if all is right, with the bound that n right answers allow")
    func everything() throws {
        let right = (0..<100).map { ScoredOutcome(score: Double($0), wasRight: true) }
        let threshold = try CalibratedThreshold.keepingRisk(
            below: 0.3,
            failingAtMost: 0.1,
            on: right,
            candidates: 5
        )
        #expect(threshold.acceptedShare == 1)
        #expect(threshold.observedRisk == 0)
        #expect(threshold.accepts(0))
        // 1 − 0.1^(1/100).
        #expect(abs(try #require(threshold.riskBound) - 0.022762778972) < 1e-9)
    }
}

private struct ScriptedStub: TextModel {
    let name = "stub"
    func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        Response(text: "", model: name)
    }
}
