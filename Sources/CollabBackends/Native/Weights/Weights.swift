import Collab
import CollabKernels

/// A model's weights, immutable and shared by everything that runs it.
///
/// Matrices are kept in the layout that the kernels read, quantised as they were in the file; norms are float32.
final class Weights: Sendable {
    /// The matrices and norms of one layer.
    ///
    /// An object, so that handing it around costs one reference rather than thirteen.
    final class Layer: Sendable {
        let attentionNorm: [Float]
        let query: PackedMatrix
        let key: PackedMatrix
        let value: PackedMatrix
        let attentionOutput: PackedMatrix
        let queryNorm: [Float]?
        let keyNorm: [Float]?
        let postAttentionNorm: [Float]?
        let feedForwardNorm: [Float]
        let gate: PackedMatrix
        let up: PackedMatrix
        let down: PackedMatrix
        let postFeedForwardNorm: [Float]?

        init(
            _ index: Int,
            _ configuration: TransformerConfiguration,
            _ loader: WeightLoader
        ) throws(CollabError) {
            func matrix(_ tensor: LayerTensor) throws(CollabError) -> PackedMatrix {
                try loader.matrix(tensor.name(index))
            }
            func norm(_ tensor: LayerTensor) throws(CollabError) -> [Float]? {
                configuration.shape(of: tensor) == nil ? nil : try loader.vector(tensor.name(index))
            }
            attentionNorm = try loader.vector(LayerTensor.attentionNorm.name(index))
            query = try matrix(.query)
            key = try matrix(.key)
            value = try matrix(.value)
            attentionOutput = try matrix(.attentionOutput)
            queryNorm = try norm(.queryNorm)
            keyNorm = try norm(.keyNorm)
            postAttentionNorm = try norm(.postAttentionNorm)
            feedForwardNorm = try loader.vector(LayerTensor.feedForwardNorm.name(index))
            gate = try matrix(.gate)
            up = try matrix(.up)
            down = try matrix(.down)
            postFeedForwardNorm = try norm(.postFeedForwardNorm)
        }
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
        for index in configuration.layers.indices { layers.append(try Layer(index, configuration, loader)) }
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
