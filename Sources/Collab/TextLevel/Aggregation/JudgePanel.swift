/// Judges who compare the answers in pairs; the answer that wins most pairs wins.
///
/// A pair is won by the greater weight of consistent verdicts (see ``Judge``); without any, or with equal ones, it is a
/// draw, and counts half for both. Only the answers with most votes are compared.
struct JudgePanel: Arbiter {
    let judges: [Judge]
    let calibration: Calibration?
    let finalists: Int

    var models: [any TextModel] { judges.map(\.model) }

    func callCount(forAnswers count: Int) -> Int {
        let compared = min(count, finalists)
        return Collab.callCount(2, judges.count, compared * (compared - 1) / 2)
    }

    func rule(on dispute: Dispute) async throws(CollabError) -> Ruling {
        let ranked = dispute.candidates.indices.sorted {
            (dispute.candidates[$1].ballots.count, $0) < (dispute.candidates[$0].ballots.count, $1)
        }
        let compared = ranked.prefix(finalists).sorted()
        let pairs = compared.flatMap { left in compared.filter { $0 > left }.map { (left, $0) } }
        let texts = dispute.texts
        let tasks = pairs.indices.flatMap { pair in judges.indices.map { (pair: pair, judge: $0) } }
        let outcomes = await concurrentOutcomes(tasks) { (task) async throws(CollabError) in
            let (left, right) = pairs[task.pair]
            return try await judges[task.judge].compare(texts[left], texts[right], on: dispute.request)
        }
        var balance = [Double](repeating: 0, count: pairs.count)
        var failure: CollabError?
        for (task, outcome) in zip(tasks, outcomes) {
            switch outcome {
            case .success(let judgement): balance[task.pair] += weight(of: task.judge, judgement)
            case .failure(let error) where !error.isSurvivable: throw error
            case .failure(let error): failure = failure ?? error
            }
        }
        if let failure, outcomes.allSatisfy({ $0.isFailure }) { throw failure }
        var weights = [Double](repeating: 0, count: dispute.candidates.count)
        for ((left, right), balance) in zip(pairs, balance) {
            let isDraw = abs(balance) < 1e-12
            weights[left] += isDraw ? 0.5 : balance > 0 ? 1 : 0
            weights[right] += isDraw ? 0.5 : balance > 0 ? 0 : 1
            let (first, second) = (dispute.candidates[left].answer, dispute.candidates[right].answer)
            Run.note(
                "compared",
                isDraw
                    ? "\(first) = \(second)" : balance > 0 ? "\(first) > \(second)" : "\(second) > \(first)"
            )
        }
        return .weights(weights)
    }

    /// What a judgement adds to the first answer, or, below zero, to the second.
    private func weight(of judge: Int, _ judgement: Judge.Judgement) -> Double {
        let weight = calibration.map { $0.weight(of: judges[judge].model.name, gate: nil) } ?? 1
        switch judgement.preference {
        case .first: return weight
        case .second: return -weight
        case nil: return 0
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}

extension Aggregation {
    /// Where members disagree, judges compare the answers in pairs, each in both orders; a judge that contradicts itself
    /// abstains. The answer that wins most pairs wins; draws go to the tie rule.
    ///
    /// Two calls a judge and pair: one judge and two answers take two calls. A weak judge is worse than none (below
    /// chance on adversarial pairs of LLMBar): calibrate it.
    ///
    /// - Parameters:
    ///   - judges: one judge, or a panel.
    ///   - calibration: of the judges, by their models' names: a verdict weighs the log-odds of its judge's accuracy, and
    ///     nothing if that is no better than chance. `nil`: all weigh the same.
    ///   - finalists: how many answers are compared at most, those with most votes; the others cannot win.
    public static func judge(
        _ judges: Judge...,
        calibration: Calibration? = nil,
        finalists: Int = 4
    ) -> Aggregation {
        let names = judges.map(\.model.name).joined(separator: ", ")
        return Aggregation(
            judges.count == 1 ? "judgement by \(names)" : "judgement by a panel of \(names)",
            arbiter: JudgePanel(judges: judges, calibration: calibration, finalists: max(finalists, 2))
        )
    }
}
