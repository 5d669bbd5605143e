import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Adapters of PEFT are read and merged in")
struct LowRankAdapterTests {
    static let folder = MergeGoldens.folder.path + "/peft"

    /// Adapter, and the base that PEFT 0.21.2 merged it into.
    static let cases = [
        ("L1", "fp32"), ("L1", "bf16"), ("L2", "fp32"), ("L3-rslora", "fp32"), ("L4-dora", "fp32"),
        ("L5-pattern-embed", "fp32"), ("L6-modules-to-save", "fp32"), ("L7-bf16", "fp32"),
        ("L7-bf16", "bf16"),
        ("L8-some-layers", "fp32"),
    ]

    @Test("merged weights are those of merge_and_unload", arguments: cases)
    func merged(_ name: String, _ type: String) throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/\(name)")
        let base = try MergeGoldens.input("\(type)/base")
        let adapted = try adapter.applied(to: base)
        let expected = try SafetensorsCheckpoint(
            path: "\(Self.folder)/merged/\(name)-into-\(type).safetensors"
        )
        let changed = Set(expected.tensors.map(\.name))
        // PEFT rounds a bfloat16 adapter's product, and the sum with a bfloat16 base, to bfloat16 each.
        let isRounded = type == "bf16" || name == "L7-bf16"
        for tensor in expected.tensors {
            let (ours, theirs) = (try adapted.values(of: tensor.name), try expected.values(of: tensor.name))
            for (mine, wanted) in zip(ours, theirs) {
                #expect(
                    abs(mine - wanted) <= (isRounded ? 0x1p-7 : 2e-6)
                        * max(abs(wanted), isRounded ? 0.05 : 1e-2)
                )
            }
        }
        for tensor in base.tensors where !changed.contains(tensor.name) {
            #expect(try adapted.values(of: tensor.name) == base.values(of: tensor.name))
        }
    }

    /// PEFT rounds on the way where bfloat16 takes part; what it should have come to is this.
    @Test("merged weights are exactly W + s B A, rounded once", arguments: cases.filter { $0.0 != "L4-dora" })
    func exact(_ name: String, _ type: String) throws {
        let adapter = try LowRankAdapter(contentsOf: "\(Self.folder)/adapters/\(name)")
        let base = try MergeGoldens.input("\(type)/base")
        let adapted = try adapter.applied(to: base)
        for module in adapter.modules {
            let (start, found) = (
                try base.values(of: module.tensor), try adapted.values(of: module.tensor)
            )
            let columns = module.shape[1]
            let exact = start.indices.map { place in
                let (row, column) = (place / columns, place % columns)
                return (0..<module.rank).reduce(Double(start[place])) { sum, term in
                    let left = Double(module.scale) * Double(module.b[row * module.rank + term])
                    return sum + left * Double(module.a[term * columns + column])
                }
            }
            for (value, wanted) in zip(found, exact) {
                #expect(abs(Double(value) - wanted) <= 2e-6 * max(abs(wanted), 1e-2), "\(module.path)")
            }
        }
    }

    @Test("half an adapter, another kind and biases are refused by name")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let source = "\(Self.folder)/adapters/L1"
        let weights = try Data(contentsOf: URL(fileURLWithPath: source + "/adapter_model.safetensors"))
        let text = try String(contentsOfFile: source + "/adapter_config.json", encoding: .utf8)
        func error(_ configuration: String, _ weights: Data) throws -> CollabError? {
            let path = folder.path(UUID().uuidString)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try configuration.write(toFile: path + "/adapter_config.json", atomically: true, encoding: .utf8)
            try weights.write(to: URL(fileURLWithPath: path + "/adapter_model.safetensors"))
            do throws(CollabError) {
                _ = try LowRankAdapter(contentsOf: path)
                return nil
            } catch {
                return error
            }
        }
        #expect(try error(text, weights) == nil)
        let bias = text.replacingOccurrences(of: "\"bias\": \"none\"", with: "\"bias\": \"all\"")
        #expect(try error(bias, weights)?.code == .unsupported)
        let kind = text.replacingOccurrences(of: "\"LORA\"", with: "\"IA3\"")
        #expect(try error(kind, weights)?.message.contains("IA3") == true)
        let known = Data("layers.0.mlp.down_proj.lora_A.weight".utf8)
        let range = try #require(weights.range(of: known))
        var half = weights
        half.replaceSubrange(range, with: Data("layers.9.mlp.down_proj.lora_A.weight".utf8))
        let found = try #require(try error(text, half))
        #expect(found.code == .tensorMismatch && found.message.contains("one half"))
    }

    @Test("a change for a matrix that the model lacks is refused")
    func misfit() throws {
        let module = try LowRankAdapter.Module(path: "model.nowhere", rank: 1, scale: 1, a: [1, 2], b: [3])
        let adapter = try LowRankAdapter("odd", modules: [module])
        let error = #expect(throws: CollabError.self) {
            try adapter.applied(to: MergeGoldens.input("fp32/base"))
        }
        #expect(error?.code == .tensorMismatch)
    }
}
