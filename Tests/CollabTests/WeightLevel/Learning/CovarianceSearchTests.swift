import Foundation
import Testing

@testable import Collab

@Suite("CMA-ES")
struct CovarianceSearchTests {
    /// A function, where searches begin, how many numbers it has, and the median of the evaluations that pycma 4.5.0 without
    /// active weights needs until the value is below 1e-9 (Scripts/fixtures/measure_cma.py).
    struct Case: CustomTestStringConvertible {
        var name: String
        var start: Double
        var dimension: Int
        var reference: Int
        var function: @Sendable ([Double]) -> Double
        var testDescription: String { "\(name), \(dimension) numbers" }
    }

    static let sphere: @Sendable ([Double]) -> Double = { squares($0[...]) }
    static let ellipsoid: @Sendable ([Double]) -> Double = { point in
        var sum = 0.0
        for (place, value) in point.enumerated() {
            let weight = pow(1000, Double(place) / Double(point.count - 1))
            sum += weight * value * value
        }
        return sum
    }
    static let cigar: @Sendable ([Double]) -> Double = { point in
        point[0] * point[0] + 1e4 * squares(point.dropFirst())
    }
    static let rosenbrock: @Sendable ([Double]) -> Double = { x in
        var sum = 0.0
        for (value, next) in zip(x, x.dropFirst()) {
            let (valley, rest) = (next - value * value, 1 - value)
            sum += 100 * valley * valley + rest * rest
        }
        return sum
    }

    private static func squares(_ values: ArraySlice<Double>) -> Double {
        var sum = 0.0
        for value in values { sum += value * value }
        return sum
    }

    static let cases = [
        Case(name: "sphere", start: 1.5, dimension: 5, reference: 744, function: sphere),
        Case(name: "sphere", start: 1.5, dimension: 10, reference: 1530, function: sphere),
        Case(name: "ellipsoid", start: 1.5, dimension: 5, reference: 1208, function: ellipsoid),
        Case(name: "ellipsoid", start: 1.5, dimension: 10, reference: 3060, function: ellipsoid),
        Case(name: "cigar", start: 1.5, dimension: 5, reference: 1576, function: cigar),
        Case(name: "Rosenbrock", start: -0.5, dimension: 5, reference: 1968, function: rosenbrock),
    ]

    @Test("needs about as many evaluations as pycma", arguments: cases)
    func evaluations(_ item: Case) throws {
        var counts: [Int] = []
        for seed in 1...7 as ClosedRange<UInt64> {
            let start = [Double](repeating: item.start, count: item.dimension)
            var search = try CovarianceSearch(from: start, step: 0.5, seed: seed)
            var (count, best) = (0, Double.infinity)
            while best > 1e-9, count < 20_000 {
                let losses = search.nextPoints().map(item.function)
                search.learn(losses)
                count += losses.count
                best = min(best, losses.min() ?? .infinity)
            }
            counts.append(count)
        }
        let median = Double(counts.sorted()[counts.count / 2])
        #expect(median < 1.25 * Double(item.reference), "\(counts)")
        #expect(median > 0.75 * Double(item.reference), "\(counts)")
    }

    @Test("names the same points for the same seed, and others for another")
    func seeds() throws {
        func points(_ seed: UInt64) throws -> [[Double]] {
            var search = try CovarianceSearch(from: [0, 1, 2], step: 0.1, seed: seed)
            search.learn(search.nextPoints().map(Self.sphere))
            return search.nextPoints()
        }
        #expect(try points(4) == points(4))
        #expect(try points(4) != points(5))
    }

    @Test("stays within bounds and finds an optimum that lies on one")
    func bounds() throws {
        var search = try CovarianceSearch(from: [0, 0], step: 0.5, bounds: SearchBounds(-1, 1), seed: 3)
        for _ in 0..<80 {
            let points = search.nextPoints()
            #expect(points.allSatisfy { $0.allSatisfy { (-1...1).contains($0) } })
            let losses = points.map { (point) -> Double in
                let (x, y) = (point[0] - 3, point[1])
                return x * x + y * y
            }
            search.learn(losses)
        }
        #expect(abs(search.mean[0] - 1) < 1e-2 && abs(search.mean[1]) < 1e-2)
    }

    @Test("refuses a start of nothing and a step of nothing")
    func refusals() {
        #expect(throws: CollabError.self) { try CovarianceSearch(from: [], step: 1) }
        #expect(throws: CollabError.self) { try CovarianceSearch(from: [1], step: 0) }
        #expect(throws: CollabError.self) { try CovarianceSearch(from: [.nan], step: 1) }
    }

    @Test("eigenvectors of small matrices give the matrix back")
    func eigenvectors() {
        var generator = SeededGenerator(seed: 9)
        for order in 1...7 {
            var matrix = [Double](repeating: 0, count: order * order)
            for row in 0..<order {
                for column in 0...row {
                    matrix[row * order + column] = generator.nextNormal()
                    matrix[column * order + row] = matrix[row * order + column]
                }
            }
            let (values, vectors) = symmetricEigenvectors(of: matrix, order: order)
            for row in 0..<order {
                for column in 0..<order {
                    var sum = 0.0
                    for axis in 0..<order {
                        let (left, right) = (vectors[axis * order + row], vectors[axis * order + column])
                        sum += values[axis] * left * right
                    }
                    #expect(abs(sum - matrix[row * order + column]) < 1e-12 * Double(order))
                }
            }
        }
    }
}
