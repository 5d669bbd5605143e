import ArgumentParser
import Collab
import CollabBackends
import CollabMerging

/// Makes a low-rank adapter of a fine-tune.
struct ExtractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Makes a low-rank adapter of what a fine-tune has changed, and writes it in PEFT's format.",
        discussion: "Prints how much of the change is lost, and which changed tensors an adapter cannot hold."
    )

    @Argument(help: "The fine-tuned model: a folder with safetensors.")
    var tuned: String

    @Option(help: "The model that it was tuned from.")
    var base: String

    @Option(help: "The largest rank.")
    var rank = 32

    @Option(help: "Leave out terms beyond this share of each change's squared size.")
    var energy = 1.0

    @Option(help: "Where chance begins.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: "The folder for the result.")
    var output: String

    func run() async throws {
        do throws(CollabError) {
            let (adapter, remainder) = try LowRankAdapter.extracted(
                output.split(separator: "/").last.map(String.init) ?? output,
                from: try SafetensorsCheckpoint(path: tuned),
                over: try SafetensorsCheckpoint(path: base),
                rank: rank,
                energy: energy,
                seed: seed
            ) { Terminal.complain($0) }
            try adapter.write(to: output, base: base)
            let lost = remainder.lost.values.sorted()
            let middle = lost.isEmpty ? 0 : lost[lost.count / 2]
            print("\(output): \(adapter.modules.count) modules")
            print("lost of the change: \(percent(middle)) in the middle, \(percent(lost.last ?? 0)) at most")
            for tensor in remainder.leftOut { print("not in the adapter: \(tensor)") }
        } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
