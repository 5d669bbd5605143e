import Collab

/// The consecutive positions of one sequence that go through the model in a step.
struct StepSegment {
    /// The rows of the step's buffers.
    var rows: Range<Int>
    /// The position of the first row.
    var start: Int
    /// The tokens, one a row.
    var tokens: ArraySlice<TokenID>
    /// The sequence's blocks, by layer group and page.
    var blocks: [[KeyValueBlock?]]
    /// Told of the inputs of matrices, for statistics.
    var probe: ActivationProbe?
    /// The low-rank changes that are added.
    var adapters: AdapterSet?
}

/// A row whose output is handed out.
struct StepOutput {
    /// Which row.
    var row: Int
    /// What is handed out.
    var kind: ReadoutKind
    /// Where a vocabulary of logits or a hidden state goes; of no use for the other kinds.
    var target: UnsafeMutablePointer<Float>
    /// Where everything else goes.
    var result: UnsafeMutablePointer<StepResult>
    /// The token whose log-probability is wanted.
    var token: TokenID = 0
}

/// What is known of an output besides its row.
struct StepResult {
    /// Whether the whole row is finite.
    var isFinite = true
    /// The log-probability that was asked for.
    var logprob: Float = 0
    /// The largest logits that were asked for.
    var top = TopTokens(entries: [], logSumExp: nil)
}

/// What goes through the model at once.
struct Step {
    var segments: [StepSegment] = []
    var outputs: [StepOutput] = []
    /// How many rows there are.
    var rowCount: Int { segments.last?.rows.upperBound ?? 0 }
}

/// Watches the vectors that enter a model's matrices.
final class ActivationProbe: Sendable {
    /// Called on a worker's thread with the layer, the matrix, the position and the vector that enters it.
    let observe: @Sendable (Int, LayerTensor, Int, UnsafeBufferPointer<Float>) -> Void

    init(_ observe: @escaping @Sendable (Int, LayerTensor, Int, UnsafeBufferPointer<Float>) -> Void) {
        self.observe = observe
    }
}
