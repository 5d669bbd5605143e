import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Makes one adapter of several.
struct ComposeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compose",
        abstract: "Makes one low-rank adapter of several, and writes it in PEFT's format.",
        discussion: """
            The weighted sum of the adapters' changes, exact as far as the rank allows: \
            `merge compose style facts --weight 0.75 --weight=-0.5 --rank 8 --output both`.
            """
    )

    @Argument(help: "The adapters: folders in PEFT's format.")
    var adapters: [String]

    @Option(help: "The weight of an adapter; give it once for each, or not at all for 1.")
    var weight: [Double] = []

    @Option(help: "The largest rank of the result; that of the sum if none.")
    var rank: Int?

    @Option(help: "Leave out terms beyond this share of each change's squared size.")
    var energy = 1.0

    @Option(help: "The base, as it is to stand in the result's configuration.")
    var base: String?

    @Option(name: .shortAndLong, help: "The folder for the result.")
    var output: String

    func validate() throws {
        if !weight.isEmpty, weight.count != adapters.count {
            throw ValidationError("There are \(adapters.count) adapters and \(weight.count) weights.")
        }
    }

    func run() async throws {
        do throws(CollabError) {
            var parts: [(adapter: LowRankAdapter, weight: Double)] = []
            for (place, path) in adapters.enumerated() {
                parts.append((try LowRankAdapter(contentsOf: path), weight.isEmpty ? 1 : weight[place]))
            }
            let name = output.split(separator: "/").last.map(String.init) ?? output
            let composed = try LowRankAdapter(
                name,
                composing: parts,
                by: .exact(rank: rank, energy: energy)
            )
            try composed.write(to: output, base: base)
            let ranks = composed.modules.map(\.rank)
            print("\(output): \(ranks.count) modules of rank \(ranks.min() ?? 0) to \(ranks.max() ?? 0)")
        } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }
}
