import Collab
import CollabKernels

/// How the gates of adapters are trained.
///
/// For each adapter one vector v a module is trained, from 0 on, on texts of the adapter's own domain, with the model and
/// the adapter as they are: each module computes y = W x + σ(v · x) · s B A x, σ being the logistic function, and v follows
/// the gradient of the mean of −log p over every token of a text but its first. What v becomes is the direction of the
/// inputs for which the adapter helps (M. Muqeeth et al., *Learning to Route Among Specialized Experts for Zero-Shot
/// Generalization*, 2024, called PHATGOOSE). The number of steps is the paper's; batches, windows, and Adam (D. Kingma and
/// J. Ba, 2015, β₁ 0.9, β₂ 0.999, ε 10⁻⁸, no decay of weights and no warm-up) with its rate are a choice made here.
public struct GateTraining: Hashable, Sendable, Codable {
    /// How far training has come.
    public struct Progress: Hashable, Sendable {
        /// Which adapter's gates are trained.
        public var adapter: Int
        /// How many steps have been made for it.
        public var step: Int
        /// How many there will be.
        public var steps: Int
        /// The mean of −log p over the step's tokens, in nats, before the step.
        public var loss: Double
    }

    /// How many steps are made for each adapter.
    public var steps: Int
    /// How far a number may move in a step, about.
    public var rate: Double
    /// How many windows a step sees.
    public var batch: Int
    /// How many tokens a window has at the most; longer texts are cut, and pieces of one token left out.
    public var window: Int
    /// Where chance begins: the order of the windows.
    public var seed: UInt64
    /// How many threads compute; as many as there are cores if `nil`. Results do not depend on it.
    public var threads: Int?

    /// Makes settings; what is wrong with them is said when gates are trained.
    public init(
        steps: Int = 100,
        rate: Double = 0.005,
        batch: Int = 8,
        window: Int = 256,
        seed: UInt64 = 0,
        threads: Int? = nil
    ) {
        self.steps = steps
        self.rate = rate
        self.batch = batch
        self.window = window
        self.seed = seed
        self.threads = threads
    }

    var threadCount: Int { threads ?? WorkerPool.physicalCores }

    /// Throws ``Collab/CollabError`` with `invalidRequest` for numbers that no training can have.
    func validate() throws(CollabError) {
        guard steps >= 1, batch >= 1, window >= 2, rate > 0, rate.isFinite else {
            throw CollabError(
                .invalidRequest,
                "Gates are trained in 1 step or more of 1 window or more of 2 tokens or more, at a rate above "
                    + "0, not in \(steps) steps of \(batch) windows of \(window) tokens at a rate of \(rate)."
            )
        }
        guard (1...256).contains(threadCount) else {
            throw CollabError(
                .invalidRequest,
                "Gates are trained by 1 to 256 threads, not by \(threadCount)."
            )
        }
    }

    /// The texts, cut into windows.
    ///
    /// - Parameter limit: the most tokens that the model reads.
    func windows(of texts: [[TokenID]], limit: Int) -> [[TokenID]] {
        let length = min(window, limit)
        return texts.flatMap { text in
            stride(from: 0, to: text.count, by: length)
                .map { Array(text[$0..<min($0 + length, text.count)]) }
                .filter { $0.count > 1 }
        }
    }
}
