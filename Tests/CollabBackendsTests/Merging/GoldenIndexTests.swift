import Foundation
import Testing

/// `index.json` lists every reference merge that was made, also those that are not compared with.
@Suite("No reference merge is forgotten")
struct GoldenIndexTests {
    private struct Index: Decodable {
        var mergekit: Set<String>
        var fusionbench: Set<String>
        var peft: Set<String>
        var extract: Set<String>
    }

    private func decoded<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let data = try Data(contentsOf: MergeGoldens.folder.appendingPathComponent(name))
        return try JSONDecoder().decode(type, from: data)
    }

    private func index() throws -> Index { try decoded("index.json", as: Index.self) }

    /// The names in a folder of the goldens.
    private func names(in folder: String) throws -> Set<String> {
        let path = MergeGoldens.folder.appendingPathComponent(folder).path
        return Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    /// Every case of the index is compared or left out, and none is both.
    private func check(_ index: Set<String>, compared: Set<String>, leftOut: Set<String>) {
        #expect(index.subtracting(compared).subtracting(leftOut).isEmpty, "neither compared nor left out")
        #expect(compared.subtracting(index).isEmpty, "not in the index")
        #expect(compared.isDisjoint(with: leftOut))
        #expect(leftOut.isSubset(of: index))
    }

    @Test("of mergekit's")
    func mergekit() throws {
        // The tests of configurations run everything in the manifest.
        let compared = Set(try decoded("manifest.json", as: [String: Ignored].self).keys)
        let leftOut: Set = [
            // Cuts embeddings to the smaller vocabulary, whatever tokens the rows belong to; refused here instead.
            "tok-unsafe-truncate"
        ]
        try check(index().mergekit, compared: compared, leftOut: leftOut)
        // What is merged in Swift is some of these, and what FusionBench made.
        let inSwift = Set(MergeCase.all.map(\.name)).subtracting(["magmax"])
        #expect(inSwift.isSubset(of: compared))
        let files = (try names(in: "outputs"), try names(in: "configs"))
        for name in compared { #expect(files.0.contains(name) && files.1.contains(name + ".yml"), "\(name)") }
    }

    @Test("of FusionBench's")
    func fusionBench() throws {
        var compared = Set(WholeMatrixMergeTests.goldens + StatisticsMergeTests.goldens)
        compared.formUnion(MergeConventionTests.goldens)
        // There it is called by its method and scale.
        if MergeCase.all.contains(where: { $0.name == "magmax" }) { compared.insert("magmax_0p5") }
        try check(index().fusionbench, compared: compared, leftOut: [])
    }

    @Test("of PEFT's")
    func peft() throws {
        let merged = LowRankAdapterTests.cases.map { "\($0)-into-\($1)" }
        let combined = AdapterCompositionTests.cases.map { "combined/" + $0.name }
        let leftOut: Set = [
            // Clamps elements of the factors, which depend on the turn of the singular vectors; not offered here.
            "combined/svd-svd_clamp0.95"
        ]
        try check(index().peft, compared: Set(merged + combined), leftOut: leftOut)
    }

    @Test("of extracted adapters")
    func extracted() throws {
        let leftOut: Set = [
            // Has modules of rank 0, which PEFT cannot load either.
            "ftC-embed-sveps"
        ]
        try check(
            index().extract,
            compared: Set(ExtractionGoldenTests.goldens.map { $0.2 }),
            leftOut: leftOut
        )
    }

    @Test("nor a file that was made for a comparison")
    func files() throws {
        let whole = ["iso-c", "iso-c-scale1p5", "iso-cts", "tsv-m", "tsv-m-scale0p7", "wudi-50", "magmax"]
        let outputs = try index().mergekit.union(whole)
        #expect(try names(in: "outputs").subtracting(outputs).isEmpty)
        #expect(try names(in: "peft/combined").isSubset(of: Set(index().peft.map { fileName($0) })))
        #expect(try names(in: "peft/merged").isSubset(of: Set(index().peft.map { fileName($0) })))
    }

    private func fileName(_ golden: String) -> String {
        (golden.split(separator: "/").last.map(String.init) ?? golden) + ".safetensors"
    }

    private struct Ignored: Decodable {}
}
