import Collab

/// Asks one question, shows the answer while it is written, and then how it came about.
struct Session<Team: TextModel> {
    let team: Team
    let terminal: Terminal
    let seed: UInt64

    func ask(_ question: OwnQuestion) async throws(CollabError) {
        terminal.heading(question.text.withoutControls)
        let run = Run(budget: Budget(calls: 24, duration: .seconds(60)), seed: seed)
        var answer: Response?
        var isWriting = false
        for try await event in team.stream(Request(question.text), in: run) {
            switch event {
            case .event(let event):
                if !isWriting, let progress = describe(event) { terminal.progress(progress) }
            case .text(let text):
                if !isWriting { terminal.endProgress() }
                isWriting = true
                terminal.write(terminal.styled(text.withoutControls, .bold, .green))
            case .response(let response):
                answer = response
            }
        }
        terminal.endProgress()
        terminal.line()
        if let answer { report(answer, expecting: question.expected) }
    }

    private func describe(_ event: RunEvent) -> String? {
        switch event.kind {
        case .started(.call, let name): "asking \(name) …"
        case .started(.stage, let name): "\(name) …"
        default: nil
        }
    }

    private func report(_ answer: Response, expecting expected: [String]) {
        if !expected.isEmpty {
            let found = expected.contains { answer.text.lowercased().contains($0.lowercased()) }
            terminal.line(
                found
                    ? terminal.styled("✓ as expected", .green)
                    : terminal.styled("✗ expected: \(expected.joined(separator: " or "))", .red)
            )
        }
        if answer.ending == .budgetExhausted {
            terminal.line(terminal.styled("The budget ended first: this is the best answer so far.", .yellow))
        }
        if let trace = answer.trace {
            terminal.line()
            terminal.line(terminal.isStyled ? trace.styled : trace.description)
        }
    }
}
