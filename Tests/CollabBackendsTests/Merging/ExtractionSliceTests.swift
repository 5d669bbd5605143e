import Collab
import Foundation
import Testing

@testable import CollabBackends

@Suite("An adapter is extracted from slices of the models")
struct ExtractionSliceTests {
    private static let names = ["model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"]

    /// An embedding and a matrix, each of several slices, and a short vector.
    private static let tensors = [
        (names[0], [900, 200]), (names[1], [500, 401]), ("model.norm.weight", [401]),
    ]

    private func base() throws -> MemoryCheckpoint {
        try MemoryCheckpoint(
            "base",
            tensors: Self.tensors.map { name, shape in
                let count = shape.reduce(1, *)
                return .init(name, shape: shape, values: (0..<count).map { Float($0 % 31) / 16 })
            }
        )
    }

    /// The base with something added to each element of all tensors.
    private func tuned(
        _ change: (_ tensor: String, _ element: Int) -> Float
    ) throws -> MemoryCheckpoint {
        let base = try base()
        return try MemoryCheckpoint(
            "tuned",
            tensors: base.tensors.map { tensor in
                let values = try base.values(of: tensor.name).enumerated().map {
                    $1 + change(tensor.name, $0)
                }
                return .init(tensor.name, shape: tensor.shape, values: values)
            }
        )
    }

    @Test("both are read once, and no slice is as large as a matrix")
    func slices() throws {
        let tuned = SliceCounter(try tuned { $0 == "model.norm.weight" ? 0 : Float($1 % 7) / 32 })
        let base = SliceCounter(try base())
        let (adapter, remainder) = try LowRankAdapter.extracted("a", from: tuned, over: base, rank: 2)
        #expect(adapter.modules.map(\.tensor) == [Self.names[1]] && remainder.leftOut == [Self.names[0]])
        for counter in [tuned, base] {
            #expect(counter.elements == 900 * 200 + 500 * 401 + 401)
            #expect(counter.largest == TensorChange.sliceElements)
        }
    }

    @Test("only what becomes part of the adapter is held as a whole")
    func holding() throws {
        let (tuned, base) = (try tuned { _, place in Float(place % 7) / 32 }, try base())
        let embedding = try #require(base.description(of: Self.names[0]))
        let held = try TensorChange(of: embedding, from: tuned, over: base, keepingValues: true)
        let passed = try TensorChange(of: embedding, from: tuned, over: base, keepingValues: false)
        let wanted = (0..<900 * 200).map { Float($0 % 7) / 32 }
        #expect(held.values == wanted && passed.values.isEmpty)
        let norm = wanted.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(held.squaredNorm == norm && passed.squaredNorm == norm)
    }

    @Test("what is lost is what a whole matrix of the adapter's change leaves, in all strips")
    func lost() throws {
        // Two terms of different size, the smaller in the last rows alone, which a rank of 1 loses.
        let tuned = try tuned { name, element in
            let (row, column) = element.quotientAndRemainder(dividingBy: 401)
            guard name == Self.names[1] else { return 0 }
            return row < 400 ? (column % 2 == 0 ? 0.5 : 0.25) : (column % 2 == 0 ? 0.25 : -0.5)
        }
        let base = try base()
        let (adapter, remainder) = try LowRankAdapter.extracted("a", from: tuned, over: base, rank: 1)
        let module = adapter.modules[0]
        var (left, whole) = (0.0, 0.0)
        let (values, origin) = (try tuned.values(of: module.tensor), try base.values(of: module.tensor))
        for element in values.indices {
            let change = Double(values[element]) - Double(origin[element])
            let (row, column) = element.quotientAndRemainder(dividingBy: 401)
            let rest = change - Double(module.scale) * Double(module.b[row]) * Double(module.a[column])
            whole += change * change
            left += rest * rest
        }
        let share = try #require(remainder.lost[module.tensor])
        #expect(abs(share - (left / whole).squareRoot()) < 1e-6 && share > 0.4)
    }

    @Test("a number that is not finite in the last slice is refused by its tensor's name", arguments: [0, 1])
    func notFinite(_ place: Int) throws {
        let count = Self.tensors[place].1.reduce(1, *)
        let tuned = try tuned { $0 == Self.names[place] && $1 == count - 1 ? .nan : 0 }
        let error = #expect(throws: CollabError.self) {
            try LowRankAdapter.extracted("a", from: tuned, over: try base(), rank: 1)
        }
        #expect(error?.code == .notFinite && error?.message.contains(Self.names[place]) == true)
    }
}

/// A checkpoint that counts what is read of it.
private final class SliceCounter: Checkpoint {
    private let checkpoint: MemoryCheckpoint
    private let lengths = Protected<[Int]>([])
    init(_ checkpoint: MemoryCheckpoint) { self.checkpoint = checkpoint }
    /// How many elements were read, those that were read again included.
    var elements: Int { lengths.withLock { $0.reduce(0, +) } }
    /// How many elements were read at a time at most.
    var largest: Int { lengths.withLock { $0.max() ?? 0 } }
    var name: String { checkpoint.name }
    var tensors: [TensorDescription] { checkpoint.tensors }
    var specification: any ModelSpecification { checkpoint.specification }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        lengths.withLock { $0.append(elements.count) }
        try checkpoint.read(tensor, elements: elements, into: buffer)
    }
}
