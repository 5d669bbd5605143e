import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Makes a mixture of experts of dense models.
struct MixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mix",
        abstract: "Puts dense models side by side as a mixture of experts (Mixtral's layout).",
        discussion: """
            Attention, norms and embeddings are the base's. The router's rows are the mean inputs of the base's \
            feed-forward blocks over each expert's text, or random numbers for a router that will be trained.
            """
    )

    @Argument(help: "The base: a folder of a Llama or Mistral.")
    var base: String

    @Argument(help: "The folder for the result.")
    var output: String

    @Option(help: "An expert and a text that it is for, FOLDER=FILE; or FOLDER alone for a random router.")
    var expert: [String]

    @Option(help: "How many experts compute a token.")
    var perToken = 2

    @Option(help: "At most so many tokens of each text.")
    var tokens = 2048

    @Flag(help: "Take the mean of the experts' attention, norms and embeddings rather than the base's.")
    var mean = false

    @Option(help: "Where the numbers of a random router begin.")
    var seed: UInt64 = 0

    func validate() throws {
        let withText = expert.count { $0.contains("=") }
        if expert.count < 2 { throw ValidationError("Give two or more --expert FOLDER=FILE.") }
        if withText != 0, withText != expert.count {
            throw ValidationError("Give a text for every expert or for none.")
        }
    }

    func run() async throws {
        do throws(CollabError) { try await mix() } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func mix() async throws(CollabError) {
        var (experts, texts): ([any Checkpoint], [String]) = ([], [])
        let checkpoint = try SafetensorsCheckpoint(path: base)
        for entry in expert {
            let parts = entry.split(separator: "=", maxSplits: 1)
            experts.append(try SafetensorsCheckpoint(path: String(parts[0])))
            if parts.count > 1 { texts.append(String(parts[1])) }
        }
        let mixture = try ExpertMixture(
            base: checkpoint,
            experts: experts,
            router: try await .files(texts, readBy: base, tokens: tokens, seed: seed),
            expertsPerToken: perToken,
            sharingMean: mean
        )
        try mixture.save(to: output)
        print("\(output): \(mixture.tensors.count) tensors, \(experts.count) experts, \(perToken) a token")
    }
}
