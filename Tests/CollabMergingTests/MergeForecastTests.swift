import Collab
import CollabMerging
import Testing

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
            ("tsv_m", 3000, 4),
        ]
    )
    func eigenvectors(_ method: String, _ order: Int, _ matrices: Int) throws {
        let forecast = try plan(method, order: order).forecast(threads: 1)
        let matrix = 8 * order * order
        // Beside them there are blocks of the inputs, and what the program itself takes.
        #expect((matrices * matrix...(matrices + 1) * matrix).contains(forecast.peakByteCount))
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
