extension SemanticRouter {
    /// A question of which it is known where it belongs.
    public struct Label: Hashable, Sendable, Codable {
        /// The question.
        public var question: String
        /// The route's name; `nil`: none of them.
        public var route: String?

        /// Makes a label.
        public init(_ question: String, route: String?) {
            self.question = question
            self.route = route
        }
    }

    /// What thresholds do on labelled questions.
    public struct Fit: Hashable, Sendable {
        /// A question that goes elsewhere than it should.
        public struct Mistake: Hashable, Sendable {
            /// The question, and where it should go.
            public let label: Label
            /// Where it goes.
            public let chosen: String?
            /// How similar it is to each route.
            public let scores: [String: Double]
        }

        /// The thresholds by route.
        public let thresholds: [String: Double]
        /// The share of labelled questions that go where they should.
        public let accuracy: Double
        /// The share before the thresholds were changed.
        public let accuracyBefore: Double
        /// The others.
        public let mistakes: [Mistake]
    }

    /// The same routes with the thresholds that send most labelled questions where they belong.
    ///
    /// One threshold after another is set to its best value, given the others, until nothing more is gained; that value
    /// is found exactly, among all places between two scores, in the widest gap of the best. Questions that belong
    /// nowhere are needed as well: without them the lowest thresholds are as good as any. Measure on questions that
    /// were not used here. What came of it is in the router's ``facts`` too, which are saved with it.
    ///
    /// Throws what measuring similarity throws, and ``CollabError`` with `invalidRequest` if there are no labels or one
    /// names a route that is not there.
    public func fitted(to labels: [Label]) async throws(CollabError) -> (router: SemanticRouter, fit: Fit) {
        let names = routes.map(\.name)
        if let stranger = labels.first(where: { $0.route.map { !names.contains($0) } ?? false }) {
            throw CollabError(
                .invalidRequest,
                "A question belongs to “\(stranger.route ?? "")”, but the routes are \(names.joined(separator: ", "))."
            )
        }
        guard !labels.isEmpty else {
            throw CollabError(.invalidRequest, "Thresholds cannot be learned without labelled questions.")
        }
        var scores: [[Double?]] = []
        for label in labels {
            let found = try await self.scores(for: label.question)
            scores.append(names.map { found[$0] ?? nil })
        }
        let targets = labels.map { label in label.route.flatMap { names.firstIndex(of: $0) } }
        let before = right(scores, targets)
        var router = self
        var best = before
        for _ in 0..<20 {
            for place in routes.indices {
                if let threshold = router.bestThreshold(of: place, scores, targets, above: best) {
                    router.routes[place].threshold = threshold
                    best = router.right(scores, targets)
                }
            }
            let count = router.right(scores, targets)
            if count == best { break }
            best = count
        }
        let mistakes = labels.indices.compactMap { index -> Fit.Mistake? in
            let chosen = router.choice(scores[index])
            guard chosen != targets[index] else { return nil }
            let known = zip(names, scores[index]).compactMap { name, score in score.map { (name, $0) } }
            return Fit.Mistake(
                label: labels[index],
                chosen: chosen.map { names[$0] },
                scores: Dictionary(known, uniquingKeysWith: { first, _ in first })
            )
        }
        let count = Double(labels.count)
        let fit = Fit(
            thresholds: router.thresholds,
            accuracy: 1 - Double(mistakes.count) / count,
            accuracyBefore: Double(before) / count,
            mistakes: mistakes
        )
        router.facts["labels"] = "\(labels.count)"
        router.facts["accuracy on them"] = "\(fit.accuracy.rounded(toPlaces: 4))"
        router.facts["accuracy before"] = "\(fit.accuracyBefore.rounded(toPlaces: 4))"
        return (router, fit)
    }

    /// How many questions go where they should.
    private func right(_ scores: [[Double?]], _ targets: [Int?]) -> Int {
        zip(scores, targets).filter { choice($0) == $1 }.count
    }

    /// The threshold of one route that sends most questions where they should go, if these are more than so many.
    private func bestThreshold(
        of place: Int,
        _ scores: [[Double?]],
        _ targets: [Int?],
        above least: Int
    ) -> Double? {
        // With this route's threshold out of the way, and with it never reached.
        var (open, shut) = (self, self)
        open.routes[place].threshold = -.infinity
        shut.routes[place].threshold = .infinity
        var points: [(score: Double, gain: Int)] = []
        var right = 0
        for (row, target) in zip(scores, targets) {
            let isRightShut = shut.choice(row) == target
            right += isRightShut ? 1 : 0
            if let score = row[place] {
                points.append((score, (open.choice(row) == target ? 1 : 0) - (isRightShut ? 1 : 0)))
            }
        }
        points.sort { $0.score > $1.score }
        guard let first = points.first, let last = points.last else { return nil }
        // From above all scores downwards; a threshold between two scores lets in all that are higher.
        var found: (right: Int, threshold: Double, gap: Double)?
        func consider(_ threshold: Double, _ gap: Double) {
            guard right > least else { return }
            if found.map({ right > $0.right || (right == $0.right && gap > $0.gap) }) ?? true {
                found = (right, threshold, gap)
            }
        }
        let margin = max((first.score - last.score) / Double(points.count), 1e-6)
        consider(first.score + margin, 0)
        for (index, point) in points.enumerated() {
            right += point.gain
            let next = index + 1 < points.count ? points[index + 1].score : point.score - 2 * margin
            guard next < point.score else { continue }
            consider((point.score + next) / 2, index + 1 < points.count ? point.score - next : 0)
        }
        return found?.threshold
    }
}
