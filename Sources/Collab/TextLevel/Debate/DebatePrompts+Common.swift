extension DebatePrompts {
    /// Prompts that begin alike for all members, in some language.
    public static func common(in wording: Wording) -> DebatePrompts {
        common(
            introduction: wording(commonIntroduction),
            label: wording("Answer #"),
            instruction: wording(commonInstruction)
        )
    }

    private static let commonIntroduction = "Answers to this question, some of which may be wrong:"
    private static let commonInstruction =
        "Answer # was yours. Check it against the others and give your final answer."

    /// Prompts that begin alike for all members: the question, then everybody's answers in declaration order, and only
    /// at the end which one was the member's own.
    ///
    /// A native model reads what its members have in common once, which makes the exchange of a debate over one model
    /// about as cheap as its opening. With ``standard`` prompts each member's own answer stands before the others', so
    /// that after the question nothing is shared. Members have to see each other's latest answers ungrouped
    /// (``Visibility/previousRound``), and everybody's (``Topology/complete``); otherwise less is in common.
    ///
    /// - Parameters:
    ///   - introduction: introduces the answers.
    ///   - label: precedes an answer; `#` stands for its number.
    ///   - instruction: what the member is to do; `#` stands for the number of its own answer.
    ///   - excerptLength: how many characters of a statement are shown at most.
    public static func common(
        introduction: String = "Answers to this question, some of which may be wrong:",
        label: String = "Answer #",
        instruction: String = "Answer # was yours. Check it against the others and give your final answer.",
        excerptLength: Int = 600
    ) -> DebatePrompts {
        DebatePrompts { view in
            var shown = view.others.map(\.example)
            if let own = view.own { shown.append(own) }
            shown.sort { ($0.member, $0.round) < ($1.member, $1.round) }
            let answers = shown.enumerated().map { index, statement in
                let name = view.namesAuthors ? statement.speaker : label.replacing("#", with: "\(index + 1)")
                return "\(name): \(statement.text.excerpt(excerptLength))"
            }
            let common = ([introduction] + answers).joined(separator: "\n")
            // What is to be continued stays at the end.
            if case .completion(let text) = view.request.input {
                var request = view.request
                request.input = .completion("\(common)\n\n\(text)")
                return request
            }
            let place = view.own.flatMap { own in
                shown.firstIndex { $0.member == own.member && $0.round == own.round }
            }
            let end = place.map { instruction.replacing("#", with: "\($0 + 1)") } ?? ""
            return view.request.replacingQuestion(with: "\(view.request.question)\n\n\(common)\n\n\(end)")
        }
    }
}
