extension DebateRules {
    /// A round table at which every answer is shown with its supporters and how sure they are; what members say of
    /// themselves is recalibrated before it weighs their votes.
    ///
    /// Chen et al. 2023, “ReConcile”: different models, at most two rounds, only as long as they disagree, weights from
    /// ``Aggregation/recalibratedConfidence``. Deviations: all answers are shown (theirs showed the two most frequent, so
    /// that a third member was never heard), unreadable answers stay unread (theirs drew one at random), and there are no
    /// examples of explanations that convinced. Calls: 2 n to 2 n (1 + rounds), since each statement is followed by the
    /// question how sure its author is.
    public static func reconcile(
        rounds: Int = 2,
        answers: AnswerFormat = .freeText,
        confidence: ConfidenceSignal? = nil,
        wording: Wording = .english
    ) -> DebateRules {
        DebateRules(
            rounds: rounds,
            answers: answers,
            until: .unanimity,
            visibility: .previousRound,
            aggregation: .recalibratedConfidence,
            ballots: .last,
            ties: .highestConfidence,
            prompts: .roundTable(in: wording),
            confidence: confidence ?? .verbalised(in: wording)
        )
    }
}

extension Aggregation {
    /// Votes weigh what a member's stated confidence is worth: 1 → 1, from 0.9 → 0.8, from 0.8 → 0.5, above 0.6 → 0.3, and
    /// less → 0.1 (Chen et al. 2023); an unmeasured one 0.1.
    public static let recalibratedConfidence = Aggregation("vote by recalibrated confidence") { ballot in
        switch ballot.confidence ?? 0 {
        case 1...: 1
        case 0.9...: 0.8
        case 0.8...: 0.5
        case let stated where stated > 0.6: 0.3
        default: 0.1
        }
    }
}

extension DebatePrompts {
    /// Shows every answer of the others with how many gave it, how sure they are, and the surest one's explanation.
    public static func roundTable(in wording: Wording = .english) -> DebatePrompts {
        showing(
            "Weigh these answers by their reasons, not by their number, and give your final answer.",
            in: wording
        ) { view in supported(view, wording) }
    }

    private static func supported(_ view: DebateView, _ wording: Wording) -> [Exhibit] {
        var groups: [DebateView.Group] = []
        for statement in view.others.flatMap(\.statements) {
            if statement.answer.isParsed,
                let index = groups.firstIndex(where: { $0.answer == statement.answer })
            {
                groups[index].statements.append(statement)
            } else {
                groups.append(DebateView.Group(answer: statement.answer, statements: [statement]))
            }
        }
        return groups.map { group in
            let sureness = group.statements.map {
                $0.confidence?.rounded(toPlaces: 2).description ?? wording("unknown")
            }
            let example = Statement.surest(of: group.statements) ?? group.example
            return Exhibit(
                "Answer of #, confidence #",
                example.text.excerpt(600),
                of: ["\(group.statements.count)", sureness.joined(separator: ", ")]
            )
        }
    }

    /// Prompts that show what a closure makes of a view, then what to do, then the question.
    ///
    /// A dialogue goes on with the member's own answers and a turn that shows the rest; a text to be continued is asked for
    /// again behind what is shown.
    ///
    /// - Parameters:
    ///   - instruction: what is to be done, a phrase of the wording.
    ///   - wording: the language in which it is put.
    ///   - exhibits: what is shown.
    public static func showing(
        _ instruction: String,
        in wording: Wording = .english,
        _ exhibits: @escaping @Sendable (DebateView) -> [Exhibit]
    ) -> DebatePrompts {
        DebatePrompts { view in
            let asked = view.request.showing(exhibits(view), instruction, in: wording)
            guard case .dialogue = view.request.input, !view.history.isEmpty else { return asked }
            let own = view.history.map { $0.text.excerpt(600) }.joined(separator: "\n\n")
            return view.request.appending([.assistant(own), .user(asked.question)])
        }
    }
}
