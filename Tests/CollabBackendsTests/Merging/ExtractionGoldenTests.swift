import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Adapters are extracted as mergekit extracts them")
struct ExtractionGoldenTests {
    /// Models, the ranks that they are extracted with, and the reference's folders.
    static let goldens = [("ftB", 2, "ftB-rank2"), ("ftC", 5, "ftC-rank5-nodist")]

    /// s B A.
    private func change(_ module: LowRankAdapter.Module) -> [Double] {
        let (rows, columns) = (module.shape[0], module.shape[1])
        var values = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for term in 0..<module.rank {
                let left = Double(module.scale) * Double(module.b[row * module.rank + term])
                for column in 0..<columns {
                    values[row * columns + column] += left * Double(module.a[term * columns + column])
                }
            }
        }
        return values
    }

    private func length(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    @Test(
        "what is left of a fine-tune is as small as by mergekit-extract-lora's whole decomposition",
        arguments: goldens
    )
    func extraction(_ model: String, _ rank: Int, _ name: String) throws {
        let (tuned, base) = (try MergeGoldens.input("fp32/" + model), try MergeGoldens.input("fp32/base"))
        let golden = try LowRankAdapter(contentsOf: MergeGoldens.folder.path + "/extract/" + name)
        let (ours, _) = try LowRankAdapter.extracted(model, from: tuned, over: base, rank: rank)
        let layered = golden.modules.filter { $0.path.contains("layers.") }
        #expect(Set(layered.map(\.path)).isSuperset(of: ours.modules.map(\.path)))
        for module in ours.modules {
            let theirs = try #require(layered.first { $0.path == module.path })
            #expect(module.rank <= theirs.rank)
            let whole = zip(try tuned.values(of: module.tensor), try base.values(of: module.tensor)).map {
                Double($0) - Double($1)
            }
            let size = length(whole)
            let left = length(zip(whole, change(module)).map { $0 - $1 }) / size
            let leftByTheirs = length(zip(whole, change(theirs)).map { $0 - $1 }) / size
            #expect(left <= 1.001 * leftByTheirs + 1e-5, "\(module.path)")
            if model == "ftB" { #expect(left < 1e-5, "\(module.path) has a change of rank 2") }
        }
        // What mergekit has and ours has not, it left out because nothing was changed.
        for module in layered where !ours.modules.contains(where: { $0.path == module.path }) {
            #expect(length(change(module)) == 0)
        }
    }
}
