//! Proxy names: a keyed permutation of the name number, said in two words and a number. `docs/reference/proxy-names.md`
//! has the construction and its test vectors; the tables that follow from the key are handed in.

use crate::error::{Error, Result};

const NUMBERS: u32 = 10_000;

/// Name numbers that are shuffled together.
const ABREAST: usize = 8;

/// Bytes of the longest words; one more is for the space behind.
const LONGEST_WORD: usize = 15;

/// The proxy names under one key.
#[derive(Clone)]
pub struct Names {
    side: u32,
    rounds: Vec<[Vec<u16>; 2]>,
    adjectives: Vec<Word>,
    creatures: Vec<Word>,
}

/// A word and the space behind it, in a cell of its own: copied as a whole, which takes one instruction.
#[derive(Clone, Copy)]
struct Word {
    cell: [u8; LONGEST_WORD + 1],
    length: usize,
}

impl Names {
    /// `tables`: one a round, an even number, each as long as its values are large; words of up to 15 ASCII letters.
    pub fn new(tables: Vec<Vec<u16>>, adjectives: &[String], creatures: &[String]) -> Result<Names> {
        let side = tables.first().map_or(0, Vec::len);
        let fits = tables.len().is_multiple_of(2)
            && tables.iter().all(|table| table.len() == side && table.iter().all(|value| usize::from(*value) < side))
            && side <= 1 << 15 // so that sums of two values and squares stay in 32 bits
            && side * side == adjectives.len() * creatures.len() * NUMBERS as usize
            && adjectives.iter().chain(creatures).all(|word| {
                word.len() <= LONGEST_WORD && word.bytes().all(|byte| byte.is_ascii_alphabetic())
            });
        if !fits || side == 0 {
            return Err(Error::Invalid("the tables and words of the proxy names do not fit together".into()));
        }
        let mut tables = tables.into_iter();
        let rounds = std::iter::from_fn(|| Some([tables.next()?, tables.next()?])).collect();
        let words = |words: &[String]| words.iter().map(|word| Word::new(word)).collect();
        Ok(Names { side: side as u32, rounds, adjectives: words(adjectives), creatures: words(creatures) })
    }

    /// How many names there are.
    pub fn count(&self) -> u32 {
        self.side * self.side
    }

    /// Put name numbers where the permutation has them; one from `count` on is taken modulo it. Takes 50 ns for one and
    /// little more for eight: each step waits for a table, and those of different numbers do not wait for each other.
    #[inline]
    pub fn shuffle(&self, numbers: &mut [u32]) {
        let side = self.side;
        let within = |sum: u32| if sum >= side { sum - side } else { sum };
        for numbers in numbers.chunks_mut(ABREAST) {
            let mut halves = [(0, 0); ABREAST];
            let halves = &mut halves[..numbers.len()];
            for ((left, right), number) in halves.iter_mut().zip(&*numbers) {
                let number = number % self.count();
                (*left, *right) = (number / side, number % side);
            }
            for [even, odd] in &self.rounds {
                for (left, right) in &mut *halves {
                    *left = within(*left + u32::from(even[*right as usize]));
                }
                for (left, right) in &mut *halves {
                    *right = within(*right + u32::from(odd[*left as usize]));
                }
            }
            for (number, (left, right)) in numbers.iter_mut().zip(&*halves) {
                *number = left * side + right;
            }
        }
    }

    /// Append the name of a shuffled number.
    #[inline]
    pub fn write(&self, shuffled: u32, out: &mut Vec<u8>) {
        let (pair, number) = (shuffled / NUMBERS, shuffled % NUMBERS);
        let creatures = self.creatures.len() as u32;
        self.adjectives[(pair / creatures) as usize].write(out);
        self.creatures[(pair % creatures) as usize].write(out);
        let digit = |power: u32| b'0' + (number / power % 10) as u8;
        out.extend_from_slice(&[digit(1000), digit(100), digit(10), digit(1)]);
    }
}

impl Word {
    fn new(word: &str) -> Word {
        let mut cell = [b' '; LONGEST_WORD + 1];
        cell[..word.len()].copy_from_slice(word.as_bytes());
        Word { cell, length: word.len() + 1 }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.cell);
        out.truncate(end);
    }
}
