import Testing

@testable import CollabKernels

@Suite struct BLASTests {
    @Test(arguments: [BLAS.Orientation.normal, .transposed], [BLAS.Orientation.normal, .transposed])
    func `both implementations multiply as the definition says`(
        orientationA: BLAS.Orientation,
        orientationB: BLAS.Orientation
    ) {
        let (m, n, k) = (17, 150, 300)
        var random = TestRandom(seed: 1)
        let a = random.floats(m * k)
        let b = random.floats(k * n)
        let start = random.floats(m * n)
        let (lda, ldb) = (orientationA == .normal ? k : m, orientationB == .normal ? n : k)
        func element(_ x: [Float], _ orientation: BLAS.Orientation, _ i: Int, _ j: Int, _ stride: Int)
            -> Double
        {
            Double(orientation == .normal ? x[i * stride + j] : x[j * stride + i])
        }
        var library = start
        var portable = start
        BLAS.sgemm(
            orientationA,
            orientationB,
            m: m,
            n: n,
            k: k,
            alpha: 0.5,
            a: a,
            lda: lda,
            b: b,
            ldb: ldb,
            beta: 2,
            c: &library,
            ldc: n
        )
        BLAS.portableSgemm(
            orientationA == .transposed,
            orientationB == .transposed,
            m: m,
            n: n,
            k: k,
            alpha: 0.5,
            a: a,
            lda: lda,
            b: b,
            ldb: ldb,
            beta: 2,
            c: &portable,
            ldc: n
        )
        for i in 0..<m {
            for j in 0..<n {
                var exact = 2 * Double(start[i * n + j])
                for p in 0..<k {
                    exact += 0.5 * element(a, orientationA, i, p, lda) * element(b, orientationB, p, j, ldb)
                }
                #expect(abs(Double(library[i * n + j]) - exact) < 1e-4)
                #expect(abs(Double(portable[i * n + j]) - exact) < 1e-4)
            }
        }
    }

    @Test func `with beta zero the result need not be initialised`() {
        var c: [Float] = [.nan]
        BLAS.sgemm(m: 1, n: 1, k: 1, a: [2], lda: 1, b: [3], ldb: 1, c: &c, ldc: 1)
        #expect(c == [6])
        c = [.nan]
        BLAS.portableSgemm(
            false,
            false,
            m: 1,
            n: 1,
            k: 1,
            alpha: 1,
            a: [2],
            lda: 1,
            b: [3],
            ldb: 1,
            beta: 0,
            c: &c,
            ldc: 1
        )
        #expect(c == [6])
    }

    @Test func `the library says what it is`() {
        #expect(!BLAS.description.isEmpty)
        #if os(Linux)
            if BLAS.isAvailable { #expect(BLAS.description.contains("lib")) }
        #endif
    }
}
