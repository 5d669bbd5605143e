import Collab

/// The low-rank changes that are in force for a sequence, as the forward pass adds them: y ← y + s · w · B (A x), with
/// W left as it is; where rows are given lengths (DoRA), y ← (1 + w (f − 1)) y + f · s · w · B (A x), output by output.
final class AdapterSet: Sendable {
    /// What a layer's matrices read; those that read the same vectors share a place here.
    enum Input: Int, CaseIterable {
        /// The normalised residual stream before attention.
        case attention
        /// What attention mixed.
        case attentionOutput
        /// The normalised residual stream before the feed-forward block.
        case feedForward
        /// The bent gate.
        case down
    }

    /// What is added to the outputs of one matrix.
    struct Update: Sendable {
        /// The matrix.
        var tensor: LayerTensor
        /// Which components of A x it is made of.
        var components: Range<Int>
        /// How many outputs the matrix has.
        var rows: Int
        /// s · w · B, one column a component, each of `rows` elements.
        var columns: [Float]
        /// By how much more each output of W x itself counts, where rows are given lengths; `nil`: as it is.
        var gains: [Float]?
        /// By what each row decides how much of it is added; `nil`: all of it, always.
        var choice: AdapterChoice?
    }

    /// The changes of the matrices of a layer that read the same vectors.
    struct Changes: Sendable {
        /// How many components A x has, over all updates.
        var components = 0
        /// A, one row a component.
        var rows: [Float] = []
        /// The component that is the input's standard deviation instead, the last one; `nil` if nobody asks for it.
        var spread: Int?
        var updates: [Update] = []
        /// Whether an update has gains.
        var hasGains: Bool { updates.contains { $0.gains != nil } }
    }

    /// A hash of all factors; sets of one identity give the same results.
    let identity: SHA256Digest
    /// The most components that a layer's matrices read at once.
    let mostComponents: Int
    /// By layer and input; `nil` where nothing is changed.
    private let changes: [Changes?]

    /// - Parameter changes: by layer, and in it by input.
    init(_ changes: [Changes?]) {
        self.changes = changes
        mostComponents = changes.reduce(0) { max($0, $1?.components ?? 0) }
        var hash = SHA256()
        for (place, change) in changes.enumerated() {
            guard let change else { continue }
            hash.update(Array("\(place) \(change.components) \(change.spread ?? -1);".utf8))
            change.rows.withUnsafeBytes { hash.update($0) }
            for update in change.updates {
                hash.update(Array("\(update.tensor) \(update.components);".utf8))
                if let choice = update.choice { hash.update(Array("\(choice);".utf8)) }
                update.columns.withUnsafeBytes { hash.update($0) }
                update.gains?.withUnsafeBytes { hash.update($0) }
            }
        }
        identity = hash.digest()
    }

    /// The changes of a layer's matrices that read an input.
    subscript(layer: Int, input: Input) -> Changes? {
        changes[layer * Input.allCases.count + input.rawValue]
    }
}

extension LayerTensor {
    /// What the matrix reads; `nil` for vectors.
    var adapterInput: AdapterSet.Input? {
        switch self {
        case .query, .key, .value: .attention
        case .attentionOutput: .attentionOutput
        case .gate, .up: .feedForward
        case .down: .down
        case .attentionNorm, .queryBias, .keyBias, .valueBias, .attentionOutputBias, .queryNorm, .keyNorm,
            .postAttentionNorm, .feedForwardNorm, .postFeedForwardNorm:
            nil
        }
    }
}
