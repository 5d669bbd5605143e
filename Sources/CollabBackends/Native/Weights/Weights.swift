import Collab
import CollabKernels

/// A model's weights, immutable and shared by everything that runs it.
///
/// Matrices are kept in the layout that the kernels read, quantised as they were in the file; norms are float32.
final class Weights: Sendable {
    /// The matrices and norms of one layer.
    struct Layer: Sendable {
        var attentionNorm: [Float]
        var query: PackedMatrix
        var key: PackedMatrix
        var value: PackedMatrix
        var attentionOutput: PackedMatrix
        var queryNorm: [Float]?
        var keyNorm: [Float]?
        var postAttentionNorm: [Float]?
        var feedForwardNorm: [Float]
        var gate: PackedMatrix
        var up: PackedMatrix
        var down: PackedMatrix
        var postFeedForwardNorm: [Float]?
    }

    let configuration: TransformerConfiguration
    /// A row for each token, as it enters the residual stream.
    let embedding: PackedMatrix
    let layers: [Layer]
    let outputNorm: [Float]
    /// The matrix from the residual stream to logits.
    let output: PackedMatrix
    /// Divisors of the rotation frequencies (llama 3).
    let rotationFactors: [Float]?
    /// The bytes that the matrices take.
    let byteCount: Int
    /// Which forms of activations the matrices read in a precision.
    func activationForms(_ precision: Precision) -> Set<Precision> {
        let all = layers.flatMap {
            [$0.query, $0.key, $0.value, $0.attentionOutput, $0.gate, $0.up, $0.down]
        }
        return (all + [output]).contains(where: \.needsFloatActivations) ? [precision, .float] : [precision]
    }

    /// Loads a checkpoint whose tensors have been validated.
    init(
        _ checkpoint: any Checkpoint,
        configuration: TransformerConfiguration,
        format: WeightFormat,
        memoryLimit: Int?,
        workers: Int
    ) throws(CollabError) {
        try configuration.validate(against: checkpoint)
        let loader = try WeightLoader(checkpoint, format: format, workers: workers)
        if let memoryLimit, loader.byteCount > memoryLimit {
            let message = "The weights of \(checkpoint.name) take \(loader.byteCount) bytes, "
            throw CollabError(.memoryLimit, message + "more than the memory limit of \(memoryLimit).")
        }
        self.configuration = configuration
        var layers: [Layer] = []
        for index in configuration.layers.indices {
            func matrix(_ tensor: LayerTensor) throws(CollabError) -> PackedMatrix {
                try loader.matrix(tensor.name(index))
            }
            func norm(_ tensor: LayerTensor) throws(CollabError) -> [Float] {
                try loader.vector(tensor.name(index))
            }
            let separateNorms = configuration.normalisesQueriesAndKeys
            let outputNorms = configuration.normalisesBlockOutputs
            layers.append(
                Layer(
                    attentionNorm: try norm(.attentionNorm),
                    query: try matrix(.query),
                    key: try matrix(.key),
                    value: try matrix(.value),
                    attentionOutput: try matrix(.attentionOutput),
                    queryNorm: separateNorms ? try norm(.queryNorm) : nil,
                    keyNorm: separateNorms ? try norm(.keyNorm) : nil,
                    postAttentionNorm: outputNorms ? try norm(.postAttentionNorm) : nil,
                    feedForwardNorm: try norm(.feedForwardNorm),
                    gate: try matrix(.gate),
                    up: try matrix(.up),
                    down: try matrix(.down),
                    postFeedForwardNorm: outputNorms ? try norm(.postFeedForwardNorm) : nil
                )
            )
        }
        self.layers = layers
        outputNorm = try loader.vector(ModelTensor.outputNorm)
        rotationFactors =
            checkpoint.description(of: ModelTensor.rotationFactors) == nil
            ? nil : try loader.vector(ModelTensor.rotationFactors)
        embedding = try loader.matrix(ModelTensor.embedding)
        output =
            checkpoint.description(of: ModelTensor.output) == nil
            ? embedding : try loader.matrix(ModelTensor.output)
        byteCount = loader.bytesUsed
    }
}
