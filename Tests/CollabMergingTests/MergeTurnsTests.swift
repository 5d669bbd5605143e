import Collab
import Foundation
import Testing

@testable import CollabMerging

/// Whole matrices are measured one after another, so that they are not in memory several times; a thread that has taken
/// one waits for its turn.
@Suite("Matrices that wait for their turn")
struct MergeTurnsTests {
    @Test("are given up when one before them fails, and those that nobody has taken are not begun")
    func givenUp() async throws {
        let scratch = try ScratchFolder()
        let turns = Turns()
        let yaml = """
            merge_method: iso_c
            base_model: base
            models:
              - model: first
              - model: second
            """
        let document = try MergeDocument.documents(yaml: yaml, source: "config.yml")[0]
        let plan = try MergePlan(
            document,
            named: [
                "base": WaitingModel(name: "base", turns: nil),
                "first": WaitingModel(name: "first", turns: turns),
                "second": WaitingModel(name: "second", turns: nil),
            ]
        )
        let writer = MergeWriter(
            plan,
            to: scratch.path + "/out",
            configuration: yaml,
            options: MergeOptions(threads: 2, flushes: false)
        )
        turns.begin()
        let error = await #expect(throws: CollabError.self) { try await writer.run() }
        #expect(error?.code == .notFinite && error?.message.contains(WaitingModel.broken) == true)
        #expect(turns.count(of: WaitingModel.broken) > 0 && turns.isAsked)
        // The thread may have its turn a moment before the other has told of the failure; it asks before every strip.
        #expect(turns.count(of: WaitingModel.waiting) <= WaitingModel.stripElements)
        for name in WaitingModel.later { #expect(turns.count(of: name) == 0, "\(name)") }
    }
}

/// Who has come how far: nobody waits for long, whatever happens.
private final class Turns: Sendable {
    private struct State: Sendable {
        var isRunning = false
        var isAsked = false
        var counts: [String: Int] = [:]
    }

    private let state = Protected(State())

    func begin() { state.withLock { $0.isRunning = true } }

    /// Whether the second matrix has been taken.
    var isAsked: Bool { state.withLock { $0.isAsked } }

    func count(of tensor: String) -> Int { state.withLock { $0.counts[tensor] ?? 0 } }

    private func wait(until isTrue: (State) -> Bool) {
        for _ in 0..<1000 where !state.withLock({ isTrue($0) }) { Thread.sleep(forTimeInterval: 0.01) }
    }

    /// The second matrix is taken, and waits, when the first has its turn.
    func ask(for tensor: String) {
        guard tensor == WaitingModel.waiting, state.withLock({ $0.isRunning }) else { return }
        wait { $0.counts[WaitingModel.broken] != nil }
        state.withLock { $0.isAsked = true }
    }

    func read(_ tensor: String, _ elements: Range<Int>) {
        let isBegun = state.withLock { state -> Bool in
            state.counts[tensor, default: 0] += elements.count
            return state.counts[tensor] == elements.count
        }
        switch tensor {
        case WaitingModel.broken:
            guard isBegun else { return }
            wait { $0.isAsked }
            // From here to the lock it is a few steps.
            Thread.sleep(forTimeInterval: 0.1)
        case WaitingModel.waiting:
            // Time for the failure to become known.
            if elements.lowerBound % WaitingModel.stripElements == 0 { Thread.sleep(forTimeInterval: 0.3) }
        default: break
        }
    }
}

/// A model of equal matrices, of which the first that is merged has an element that is no number.
private struct WaitingModel: Checkpoint {
    static let shape = [16_384, 64]
    /// How many elements are read at a time; each matrix has twice as many.
    static let stripElements = 1 << 19
    static let broken = "layers.0.weight"
    static let waiting = "layers.1.weight"
    static let later = ["layers.2.weight", "layers.3.weight"]

    var name: String
    var turns: Turns?
    var specification: any ModelSpecification { NamedSpecification("toy") }
    var tensors: [TensorDescription] {
        ([Self.broken, Self.waiting] + Self.later).map {
            TensorDescription(name: $0, shape: Self.shape, format: .bf16)
        }
    }

    func storage(of tensor: String) -> TensorStorage? {
        turns?.ask(for: tensor)
        return nil
    }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        turns?.read(tensor, elements)
        buffer.update(repeating: turns == nil ? 0 : 1)
        if turns != nil, tensor == Self.broken, elements.contains(7) { buffer[7] = .nan }
    }
}
