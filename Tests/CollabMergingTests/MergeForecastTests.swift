import Collab
import Testing

@testable import CollabMerging

@Suite("What a plan says that its merge will take")
struct MergeForecastTests {
    /// The plan of a merge of two models of one matrix.
    private func plan(_ method: String, order: Int) throws -> MergePlan {
        let yaml = """
            merge_method: \(method)
            base_model: base
            models:
              - model: first
              - model: second
            """
        let document = try MergeDocument.documents(yaml: yaml, source: "test")[0]
        let model = HeaderCheckpoint(order: order)
        return try MergePlan(document, named: ["base": model, "first": model, "second": model])
    }

    @Test(
        "has the eigenvectors' matrices in its memory: one more up to an order of 2,048",
        arguments: [
            ("iso_c", 2048, 3), ("iso_c", 2049, 2), ("iso_cts", 2048, 5), ("tsv_m", 2048, 5),
            ("tsv_m", 2700, 4),
        ]
    )
    func eigenvectors(_ method: String, _ order: Int, _ matrices: Int) throws {
        let forecast = try plan(method, order: order).forecast(threads: 1)
        let matrix = 8 * order * order
        // Beside them there are blocks of the inputs, and what the program itself takes.
        #expect((matrices * matrix...(matrices + 1) * matrix).contains(forecast.peakByteCount))
        #expect(forecast.scratchByteCount == 0)
    }

    @Test(
        "stays below 300 MB at any order: what does not fit is on the disk",
        arguments: ["iso_c", "iso_cts", "tsv_m", "wudi"]
    )
    func scratch(_ method: String) throws {
        for order in [1024, 2048, 3000, 4096, 5120, 8192] {
            for threads in [1, 2] {
                #expect(try plan(method, order: order).forecast(threads: threads).peakByteCount < 300_000_000)
            }
        }
        let matrices = try plan(method, order: 8192).forecast(threads: 1).scratchByteCount / (8 << 26)
        #expect(matrices == ["iso_c": 4, "wudi": 1][method] ?? 8)
    }

    @Test("a merge for whose scratch files there is no space is refused before anything is written")
    func noSpace() async throws {
        let plan = try plan("wudi", order: 8192)
        var larger = plan
        larger.scratchByteCounts = ["layers.0.weight": 1 << 60]
        let writer = MergeWriter(larger, to: "/nonexistent/merge-without-space", configuration: "")
        let error = await #expect(throws: CollabError.self) { try await writer.run() }
        #expect(error?.code == .inputOutput && error?.message.contains("TMPDIR") == true)
    }
}

/// A checkpoint of one square matrix of which there is nothing but the description.
private struct HeaderCheckpoint: Checkpoint {
    var order: Int
    var name: String { "header" }
    var specification: any ModelSpecification { NamedSpecification("toy") }
    var tensors: [TensorDescription] {
        [TensorDescription(name: "layers.0.weight", shape: [order, order], format: .bf16)]
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        throw CollabError(.unsupported, "A plan reads no weights.")
    }
}
