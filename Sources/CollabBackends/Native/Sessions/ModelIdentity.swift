import Collab

/// What keys and values depend on besides the tokens: a hash over the model's shape, its tensors' names, shapes and
/// formats, samples of its weights, and how it is run.
///
/// It is worked out when it is first needed.
final class ModelIdentity: Sendable {
    /// How many elements are hashed at the beginning, in the middle and at the end of each tensor.
    private static let sampleLength = 64

    private let checkpoint: any Checkpoint
    private let configuration: TransformerConfiguration
    private let options: NativeOptions
    private let known = Protected<SHA256Digest?>(nil)

    init(_ checkpoint: any Checkpoint, _ configuration: TransformerConfiguration, _ options: NativeOptions) {
        self.checkpoint = checkpoint
        self.configuration = configuration
        self.options = options
    }

    /// The hash.
    ///
    /// Throws what reading the checkpoint throws.
    func digest() throws(CollabError) -> SHA256Digest {
        if let digest = known.withLock({ $0 }) { return digest }
        var hash = SHA256()
        hash.update(Array("\(configuration) \(options.precision) \(options.weightFormat);".utf8))
        for tensor in checkpoint.tensors.sorted(by: { $0.name < $1.name }) {
            hash.update(Array("\(tensor.name) \(tensor.shape) \(tensor.format);".utf8))
            let count = tensor.elementCount
            let length = min(Self.sampleLength, count)
            for start in Set([0, (count - length) / 2, count - length]).sorted() {
                let values = try checkpoint.values(of: tensor.name, elements: start..<start + length)
                values.withUnsafeBytes { hash.update($0) }
            }
        }
        let digest = hash.digest()
        known.withLock { $0 = digest }
        return digest
    }
}
