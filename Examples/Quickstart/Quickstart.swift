import ArgumentParser
import Collab
import CollabBackends

/// Four levels of collaboration between two small language models, on this machine.
@main
struct Quickstart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quickstart",
        abstract: "Lets two small language models answer questions together, and merges two variants of one.",
        discussion: """
            Without questions it asks some of its own and ends with a merge. The model files are those that \
            `make models` fetches; --small and --large, or the environment variables COLLAB_SMALL and \
            COLLAB_LARGE, name others.
            """
    )

    @Argument(help: "Questions to answer.")
    var questions: [String] = []

    @Option(help: "The small model: a GGUF file, tuned for dialogue.")
    var small: String?

    @Option(
        help: "The large model: a GGUF file; one without a chat template gets pages of questions and answers."
    )
    var large: String?

    @Option(help: "The seed of all randomness.")
    var seed: UInt64 = 0

    @Flag(help: "Write without colours.")
    var plain = false

    @Flag(inversion: .prefixedNo, help: "Merge two variants of the small model at the end.")
    var merge: Bool?

    func run() async throws {
        let terminal = Terminal(plain: plain)
        do throws(CollabError) {
            try await tour(on: terminal)
        } catch {
            terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func tour(on terminal: Terminal) async throws(CollabError) {
        let asked = questions.isEmpty ? ownQuestions : questions.map { OwnQuestion($0) }
        for question in asked { try Request(question.text).validate() }
        let models = try await Models(small: small, large: large, reportingTo: terminal)
        let team = answeringTeam(small: models.small, large: models.large)
        for question in asked {
            try await Session(team: team, terminal: terminal, seed: seed).ask(question)
        }
        if merge ?? questions.isEmpty {
            try await MergeTour(model: models.small, terminal: terminal).run()
        }
    }
}
