import Collab
import CollabBackends
import CollabKernels
import CollabTesting
import Testing

@Suite("Numbers larger than a format holds are errors")
struct OverflowTests {
    private let scratch: TemporaryFolder

    init() throws { scratch = try TemporaryFolder() }

    private func error(_ value: Float, _ format: TensorFormat) -> CollabError? {
        var values = (0..<512).map { Float($0 % 5) }
        values[300] = value
        let path = scratch.path("\(format.rawValue).gguf")
        let layout = Result { () throws(CollabError) in
            try WeightLayout(
                gguf: [TensorDescription(name: "w", shape: [2, 256], format: format)],
                metadata: GGUFMetadataWriter()
            )
        }
        do throws(CollabError) {
            let shard = try WeightShard(path: path, layout: try layout.get())
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 64)
            defer { memory.deallocate() }
            try values.withUnsafeBufferPointer { (values) throws(CollabError) in
                try shard.write(values, to: "w", at: 0, using: memory) { _ in }
            }
            return nil
        } catch {
            return error
        }
    }

    @Test("of every format, however large", arguments: TensorFormat.allCases.filter { $0 != .f32 })
    func formats(_ format: TensorFormat) {
        #expect(error(60000, format) == nil)
        let values: [Float] = format == .bf16 ? [3.4e38] : [1e12, -1e20, 1e30, -3e38]
        for value in values {
            let error = error(value, format)
            #expect(error?.code == .notFinite, "\(value)")
            #expect(error?.message.contains("Element 300 of the tensor “w” is \(value)") == true)
        }
    }

    @Test("half precision ends where it rounds to infinity")
    func half() {
        #expect(error(65519, .f16) == nil)
        #expect(error(-65520, .f16)?.message.contains("larger than f16 holds") == true)
        #expect(error(3.389e38, .bf16) == nil)
    }

    @Test("safetensors files refuse them as well")
    func safetensors() throws {
        let writer = try SafetensorsWriter(
            path: scratch.path("w.safetensors"),
            tensors: [TensorDescription(name: "w", shape: [4], format: .f16)]
        )
        try writer.append([1, 2], to: "w")
        let error = #expect(throws: CollabError.self) { try writer.append([3, 1e6], to: "w") }
        #expect(error?.message.contains("Element 3 of the tensor “w”") == true)
    }
}
