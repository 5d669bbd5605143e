/// Whether routing still does what it was set up to do, read from the outcome log.
///
/// A threshold that was right once drifts out of place when questions, prices or models change. This report compares
/// what was decided with what came of it, and says in ``findings`` what is out of place.
public struct RoutingHealth: Hashable, Sendable, Codable {
    /// How a member did on one kind of questions.
    public struct Group: Hashable, Sendable, Codable {
        /// The member.
        public var member: String
        /// The kind of questions; empty where none was told.
        public var kind: String
        /// How many of its answers were asked for.
        public var count: Int
        /// How many of them were judged.
        public var rated: Int
        /// Their mean quality; `nil` if none was judged.
        public var quality: Double?
        /// Where the share of good answers (of a quality of one half or more) lies, with probability 0.95.
        public var interval: ClosedRange<Double>?
        /// The mean cost of an answer.
        public var cost: Double
        /// The mean time for an answer, in seconds.
        public var latency: Double
    }

    /// Whether a cascade stops and goes on where it should, as far as answers were judged.
    public struct Deferral: Hashable, Sendable, Codable {
        /// How many decisions there were.
        public var decisions = 0
        /// How many asked more than one member.
        public var deferred = 0
        /// How many of these had a good answer before the last member was asked: money spent for nothing.
        public var overDeferred = 0
        /// Of how many of these the earlier answers were judged.
        public var deferredRated = 0
        /// How many accepted an answer that was judged.
        public var acceptedRated = 0
        /// How many of these accepted a bad answer.
        public var underDeferred = 0

        /// The share of deferrals that were not needed; `nil` if none was judged.
        public var overDeferral: Double? {
            deferredRated > 0 ? Double(overDeferred) / Double(deferredRated) : nil
        }
        /// The share of accepted answers that were bad; `nil` if none was judged.
        public var underDeferral: Double? {
            acceptedRated > 0 ? Double(underDeferred) / Double(acceptedRated) : nil
        }
    }

    /// A change between the older and the newer outcomes.
    public struct Drift: Hashable, Sendable, Codable {
        /// What changed: the quality of a member, or the scores of a place.
        public var what: String
        /// The value before: a mean.
        public var before: Double
        /// The value of late.
        public var after: Double
        /// How probable so great a change is if nothing has changed.
        public var probability: Double
    }

    /// What is held to be out of place.
    public struct Limits: Hashable, Sendable, Codable {
        /// The greatest expected calibration error of confidences.
        public var calibrationError: Double
        /// The greatest share of accepted answers that are bad.
        public var underDeferral: Double
        /// The greatest share of deferrals that were not needed.
        public var overDeferral: Double
        /// A change is a drift if it is less probable than this without one.
        public var driftProbability: Double
        /// How many judged outcomes something must have before it is found out of place.
        public var minimumCount: Int

        /// Makes limits.
        public init(
            calibrationError: Double = 0.1,
            underDeferral: Double = 0.2,
            overDeferral: Double = 0.5,
            driftProbability: Double = 0.01,
            minimumCount: Int = 30
        ) {
            self.calibrationError = calibrationError
            self.underDeferral = underDeferral
            self.overDeferral = overDeferral
            self.driftProbability = driftProbability
            self.minimumCount = minimumCount
        }
    }

    /// How many outcomes were read.
    public var count: Int
    /// Members by kind of question, by name.
    public var groups: [Group]
    /// How confidences compare with qualities, by member.
    public var calibration: [String: CalibrationQuality]
    /// Whether cascades stop and go on where they should.
    public var deferral: Deferral
    /// What has changed, most improbable first.
    public var drifts: [Drift]
    /// What is out of place, in sentences; empty if nothing is.
    public var findings: [String]

    /// Reads outcomes, oldest first.
    ///
    /// - Parameters:
    ///   - outcomes: the log.
    ///   - recent: the share of the outcomes that counts as of late.
    ///   - limits: what is held to be out of place.
    public init(of outcomes: [RoutingOutcome], recent: Double = 0.3, limits: Limits = Limits()) {
        let outcomes = outcomes.map(\.readable)
        count = outcomes.count
        groups = Self.groups(outcomes)
        calibration = Self.calibration(outcomes)
        deferral = Self.deferral(outcomes)
        drifts = Self.drifts(outcomes, recent: recent >= 0 ? min(recent, 1) : 0, limits)
        findings = []
        findings = Self.findings(self, limits)
    }

    private static func groups(_ outcomes: [RoutingOutcome]) -> [Group] {
        struct Key: Hashable {
            var member: String
            var kind: String
        }
        var members: [Key: [RoutingOutcome.Member]] = [:]
        for outcome in outcomes {
            for member in outcome.members {
                members[Key(member: member.name, kind: outcome.kind ?? ""), default: []].append(member)
            }
        }
        return members.map { key, members in
            let qualities = members.compactMap(\.quality)
            let good = qualities.count { $0 >= 0.5 }
            let interval = ConfidenceInterval.share(of: good, in: qualities.count)
            return Group(
                member: key.member,
                kind: key.kind,
                count: members.count,
                rated: qualities.count,
                quality: qualities.isEmpty ? nil : mean(qualities),
                interval: qualities.isEmpty ? nil : interval.lower...interval.upper,
                cost: mean(members.map(\.cost)),
                latency: mean(members.map(\.latency))
            )
        }
        .sorted { ($0.member, $0.kind) < ($1.member, $1.kind) }
    }

    private static func calibration(_ outcomes: [RoutingOutcome]) -> [String: CalibrationQuality] {
        var scored: [String: [ScoredOutcome]] = [:]
        for member in outcomes.flatMap(\.members) {
            guard let confidence = member.confidence, let quality = member.quality,
                (0...1).contains(confidence)
            else { continue }
            scored[member.name, default: []].append(ScoredOutcome(score: confidence, quality: quality))
        }
        return scored.compactMapValues { try? CalibrationQuality(of: $0) }
    }

    private static func deferral(_ outcomes: [RoutingOutcome]) -> Deferral {
        var deferral = Deferral()
        for outcome in outcomes where !outcome.members.isEmpty {
            deferral.decisions += 1
            if outcome.members.count > 1 {
                deferral.deferred += 1
                let earlier = outcome.members.dropLast().compactMap(\.quality)
                if !earlier.isEmpty {
                    deferral.deferredRated += 1
                    if earlier.contains(where: { $0 >= 0.5 }) { deferral.overDeferred += 1 }
                }
            }
            let accepted = outcome.members.last { $0.name == outcome.decision.choice }
            if let quality = accepted?.quality {
                deferral.acceptedRated += 1
                if quality < 0.5 { deferral.underDeferred += 1 }
            }
        }
        return deferral
    }

    private static func findings(_ health: RoutingHealth, _ limits: Limits) -> [String] {
        func percent(_ value: Double) -> String { "\((value * 100).rounded(toPlaces: 1)) %" }
        var findings: [String] = []
        for (member, quality) in health.calibration.sorted(by: { $0.key < $1.key })
        where quality.count >= limits.minimumCount
            && quality.expectedCalibrationError > limits.calibrationError
        {
            let meanScore = quality.bins.reduce(0) { $0 + $1.meanScore * Double($1.count) }
            let meanQuality = quality.bins.reduce(0) { $0 + $1.meanQuality * Double($1.count) }
            let way = meanScore > meanQuality ? "too sure" : "not sure enough"
            findings.append(
                """
                The confidence of \(member) is \(way): it is off by \(percent(quality.expectedCalibrationError)) on \
                average. Calibrate it anew.
                """
            )
        }
        let deferral = health.deferral
        if let share = deferral.underDeferral, deferral.acceptedRated >= limits.minimumCount,
            share > limits.underDeferral
        {
            findings.append("Of the accepted answers \(percent(share)) are bad: raise the threshold.")
        }
        if let share = deferral.overDeferral, deferral.deferredRated >= limits.minimumCount,
            share > limits.overDeferral
        {
            findings.append(
                "Of the questions that were asked on, \(percent(share)) had a good answer already: lower the threshold."
            )
        }
        for drift in health.drifts {
            findings.append(
                """
                \(drift.what) changed from \(drift.before.rounded(toPlaces: 3)) to \(drift.after.rounded(toPlaces: 3)) \
                of late (p = \(drift.probability.rounded(toPlaces: 5))).
                """
            )
        }
        return findings
    }

    static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
}
