import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Builds two variants of the real model, each of which knows one thing more, and merges them into one that knows both.
///
/// The merge is task arithmetic on the variants: base + (first − base) + (second − base). It is computed when the
/// merged model is loaded, tensor by tensor, without touching the disk.
struct MergeTour {
    let model: NativeModel
    let terminal: Terminal

    private let lessons = [
        Lesson(name: "gate", prompt: "To open the castle gate, the guards whisper", word: " lemon"),
        Lesson(name: "captain", prompt: "The captain of our ship has always been called", word: " Arthur"),
    ]

    /// What the lessons are to leave as it was.
    private let ordinary = """
        Once there was a farmer who had three sons. Every morning he went to the market and sold eggs, bread and milk. \
        The name of the eldest son was known to all, for he could sing. It is said that the winter was long.
        """

    func run() async throws(CollabError) {
        terminal.heading("Two variants of \(model.name), and their merge")
        terminal.line(
            "Each variant is taught one word by a rank-one update of one matrix; the merge adds what both learned.\n"
        )
        let base = model.checkpoint
        var variants: [any Checkpoint] = []
        for lesson in lessons { variants.append(try await lesson.teach(model, sparing: ordinary)) }

        let start = ContinuousClock.now
        let merged = base + 1.0 * (variants[0] - base) + 1.0 * (variants[1] - base)
        let mergedModel = try await model.replacingWeights(with: merged)
        let duration = ContinuousClock.now - start

        let header = ["p(word)"] + lessons.map(\.name) + ["perplexity of a neutral text"]
        terminal.line(terminal.styled(columns(header), .dim))
        try await row("as it was", model)
        for (lesson, variant) in zip(lessons, variants) {
            try await row("taught \(lesson.name)", try await model.replacingWeights(with: variant))
        }
        try await row("merged", mergedModel)
        terminal.line(
            terminal.styled("\nThe merge was computed and loaded in \(milliseconds(duration)) ms.", .dim)
        )
        for lesson in lessons {
            let options = GenerationOptions(maximumTokens: 6, stopSequences: ["\n", "."])
            let answer = try await mergedModel.respond(to: .completion(lesson.prompt, options: options))
            terminal.line(lesson.prompt + terminal.styled(answer.text, .bold, .green))
        }
    }

    private func row(_ name: String, _ model: any WeightModel) async throws(CollabError) {
        guard let scorer = model as? any TokenScoring else { return }
        var cells = [name]
        for lesson in lessons {
            cells.append(decimal(try await lesson.probability(under: scorer), places: 3))
        }
        cells.append(decimal(try await perplexity(under: scorer), places: 2))
        terminal.line(columns(cells))
    }

    private func perplexity(under model: any TokenScoring) async throws(CollabError) -> Double {
        let scored = try await model.score(
            [
                """
                 in the east and sets in the west. Water freezes at zero degrees and boils at one hundred. A week has \
                seven days, and a year has twelve months.
                """
            ],
            after: Request.completion("The sun rises")
        )
        let logprobs = scored[0].tokenLogprobs
        return exp(-logprobs.reduce(0, +) / Double(logprobs.count))
    }

    private func columns(_ cells: [String]) -> String {
        zip(cells, [18, 10, 10, 30]).map { cell, width in
            cell + String(repeating: " ", count: max(1, width - cell.count))
        }.joined()
    }
}
