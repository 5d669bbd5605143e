/// The tensors that nobody has taken yet, and how much memory those take that are being computed.
struct MergeQueue: Sendable {
    /// What each tensor takes, where that is much.
    private let memory: [Int]
    private let limit: Int
    /// The places of tensors that nobody has taken, in order.
    private var open: [Int]
    private var used = 0

    /// - Parameters:
    ///   - memory: what each tensor takes.
    ///   - limit: what those that are computed at the same time may take together.
    init(_ memory: [Int], limit: Int = MergePlan.mostMatrixBytes) {
        self.memory = memory
        self.limit = limit
        open = Array(memory.indices)
    }

    /// Takes the first tensor that there is memory for.
    ///
    /// What takes more than the limit is computed beside nothing else that takes much. Where there is none, those who
    /// compute others will find what is left when they are done.
    mutating func take() -> Int? {
        let next = open.firstIndex { place in
            memory[place] == 0 || used == 0 || used + memory[place] <= limit
        }
        guard let next else { return nil }
        let place = open.remove(at: next)
        used += memory[place]
        return place
    }

    /// Gives back what a tensor took.
    mutating func finish(_ place: Int) { used -= memory[place] }
}
