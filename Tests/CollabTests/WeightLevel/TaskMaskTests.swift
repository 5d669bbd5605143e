import Testing

@testable import Collab

@Suite("A merge that keeps a mask for each task")
struct TaskMaskTests {
    let base: MemoryCheckpoint
    let members: [MemoryCheckpoint]

    init() throws {
        let base = try ToyCheckpoints.random("base", seed: 1)
        self.base = base
        members = try (2...4).map {
            try ToyCheckpoints.random("m\($0)", seed: $0, scale: 0.1, around: base)
        }
    }

    /// The changes of all members of a tensor.
    private func changes(_ tensor: String) throws -> [[Double]] {
        let start = try base.values(of: tensor)
        return try members.map { try zip($0.values(of: tensor), start).map { Double($0) - Double($1) } }
    }

    private func merged(_ method: some MergeMethod) -> MergedCheckpoint {
        MergedCheckpoint(nil, method, members: members)
    }

    @Test("EMR: the elected changes of the task's own sign, as long as its own over the whole model")
    func elected() throws {
        func elected(_ changes: [[Double]], _ place: Int) -> Double {
            let sum = changes.reduce(0) { $0 + $1[place] }
            return changes.map { $0[place] }.filter { $0 * sum > 0 }.max { abs($0) < abs($1) } ?? 0
        }
        for task in members.indices {
            var (own, shared) = (0.0, 0.0)
            for tensor in base.tensors {
                let changes = try changes(tensor.name)
                for place in changes[0].indices {
                    own += abs(changes[task][place])
                    let change = elected(changes, place)
                    if change * changes[task][place] > 0 { shared += abs(change) }
                }
            }
            #expect(own != shared)
            let model = merged(.emr(base: base, task: task))
            for tensor in base.tensors {
                let (start, found) = (try base.values(of: tensor.name), try model.values(of: tensor.name))
                let changes = try changes(tensor.name)
                for place in found.indices {
                    let change = elected(changes, place)
                    let wanted =
                        change * changes[task][place] > 0
                        ? Double(start[place]) + own / shared * change : Double(start[place])
                    #expect(abs(Double(found[place]) - wanted) < 1e-6)
                }
            }
        }
    }

    @Test("TALL: the sum of all changes where the task's own outweighs the others'", arguments: [0, 0.4, 1])
    func tall(_ threshold: Double) throws {
        for task in members.indices {
            let model = merged(.tallMask(base: base, task: task, threshold: threshold))
            let changes = try changes("layers.0.matrix")
            let start = try base.values(of: "layers.0.matrix")
            var kept = 0
            for (place, value) in try model.values(of: "layers.0.matrix").enumerated() {
                let sum = changes.reduce(0) { $0 + $1[place] }
                let own = changes[task][place]
                let isKept = abs(own) > threshold * abs(sum - own)
                if isKept { kept += 1 }
                #expect(abs(Double(value) - Double(start[place]) - (isKept ? sum : 0)) < 1e-6)
            }
            #expect(threshold == 0 || (1..<start.count).contains(kept))
        }
    }

    @Test("one member's task is that member, whatever the mask")
    func alone() throws {
        for method in [TaskMaskMerge.emr(base: base, task: 0), .tallMask(base: base, task: 0)] {
            let model = MergedCheckpoint(nil, method, members: [members[0]])
            for tensor in base.tensors {
                let pairs = zip(try model.values(of: tensor.name), try members[0].values(of: tensor.name))
                #expect(pairs.allSatisfy { abs($0 - $1) < 1e-6 })
            }
        }
    }

    @Test("a task that there is not and a threshold that is no number are refused")
    func refused() {
        for method in [
            TaskMaskMerge.emr(base: base, task: 3), .tallMask(base: base, task: -1),
            .tallMask(base: base, task: 0, threshold: .nan),
        ] {
            let error = #expect(throws: CollabError.self) { try merged(method).validate() }
            #expect(error?.code == .invalidRequest)
        }
    }
}
