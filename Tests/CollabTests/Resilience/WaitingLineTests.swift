import Testing

@testable import Collab

@Suite("A line in which runs take turns")
struct WaitingLineTests {
    private let runs = [Run(), Run(), Run()]
    private func id(_ run: Int) -> ObjectIdentifier { ObjectIdentifier(runs[run]) }

    @Test("takes one of each run in turn, and within a run who came first")
    func turns() {
        var line = WaitingLine<String>()
        for (index, (name, run)) in [("a1", 0), ("a2", 0), ("a3", 0), ("b1", 1), ("b2", 1)].enumerated() {
            line.append(name, id: index, of: id(run))
        }
        line.append("nobody's", id: 9, of: nil)
        var order: [String] = []
        while let next = line.popFirst() {
            order.append(next)
            if order.count == 2 { line.append("c1", id: 10, of: id(2)) }
        }
        #expect(order == ["a1", "b1", "nobody's", "a2", "b2", "c1", "a3"])
        #expect(line.isEmpty && line.count == 0)
    }

    @Test("lets go who no longer waits, whoever comes first")
    func leaving() {
        var line = WaitingLine<Int>()
        for index in 0..<6 { line.append(index, id: index, of: id(index % 2)) }
        #expect(line.remove(id: 0) == 0)
        #expect(line.remove(id: 0) == nil)
        #expect(line.remove(id: 3) == 3)
        #expect(line.count == 4)
        var order: [Int] = []
        while let next = line.popFirst() { order.append(next) }
        #expect(order == [2, 1, 4, 5])
    }
}
