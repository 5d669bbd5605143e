internal import CollabKernels

/// The inner products of several vectors with one another: all that angles, norms and means on the sphere depend on.
struct GramMatrix: Sendable {
    /// How many vectors there are.
    let count: Int
    /// The products, row by row.
    var products: [Double]

    init(count: Int) {
        self.count = count
        products = [Double](repeating: 0, count: count * count)
    }

    subscript(row: Int, column: Int) -> Double {
        get { products[row * count + column] }
        set { products[row * count + column] = newValue }
    }

    /// The length of a vector.
    func norm(_ index: Int) -> Double { max(0, self[index, index]).squareRoot() }

    /// The inner product of two linear combinations of the vectors.
    func product(_ left: [Double], _ right: [Double]) -> Double {
        var sum = 0.0
        for row in 0..<count {
            for column in 0..<count { sum += left[row] * self[row, column] * right[column] }
        }
        return sum
    }

    /// The matrix after each vector has been multiplied by a factor.
    func scaled(by factors: [Double]) -> GramMatrix {
        var matrix = self
        for row in 0..<count {
            for column in 0..<count { matrix[row, column] *= factors[row] * factors[column] }
        }
        return matrix
    }

    /// Adds the products of parts of the vectors.
    fileprivate mutating func add(_ vectors: [UnsafeBufferPointer<Float>], _ part: Range<Int>) {
        let parts = vectors.map { UnsafeBufferPointer(rebasing: $0[part]) }
        if count == 1 { self[0, 0] += Self.products(parts[0], parts[0]).aa }
        for row in 0..<count {
            for column in (row + 1)..<max(count, row + 1) {
                let products = Self.products(parts[row], parts[column])
                self[row, column] += products.ab
                self[column, row] += products.ab
                // The squares come with the products, so they are taken where each vector comes first.
                if row == 0 { self[column, column] += products.bb }
                if row == 0, column == 1 { self[0, 0] += products.aa }
            }
        }
    }

    private static func products(
        _ a: UnsafeBufferPointer<Float>,
        _ b: UnsafeBufferPointer<Float>
    ) -> (ab: Double, aa: Double, bb: Double) {
        if a.count > 1 { return MergeArithmetic.products(a, b) }
        let (a, b) = (Double(a[0]), Double(b[0]))
        return (a * b, a * a, b * b)
    }
}

extension TensorInputs {
    /// The inner products of the members' vectors, or of their task vectors if there is a base; one matrix a vector.
    func gramMatrices(_ division: VectorDivision) throws(CollabError) -> [GramMatrix] {
        if division.count == 1, let matrix = try RawInputs(self)?.gramMatrix() { return [matrix] }
        var matrices = [GramMatrix](repeating: GramMatrix(count: members.count), count: division.count)
        try forEachVectorSlice { vectors, elements in
            division.forEachRun(of: elements) { matrices[$0].add(vectors, $1) }
        }
        return matrices
    }

    /// Reads the members, or their task vectors if there is a base, slice by slice, in order.
    func forEachVectorSlice(
        _ body: (_ vectors: [UnsafeBufferPointer<Float>], _ elements: Range<Int>) -> Void
    ) throws(CollabError) {
        let block = min(Self.blockSize, tensor.elementCount)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: base == nil ? 0 : block * members.count
        )
        defer { memory.deallocate() }
        try forEachSlice { (slice) throws(CollabError) in
            var vectors = slice.members
            if slice.base != nil { vectors = slice.deltas(in: memory) }
            body(vectors, slice.elements)
        }
    }
}
